#include "client/agent/session_desk.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace kiln::client {
namespace {

std::uint64_t microseconds_of(Duration duration) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::microseconds>(duration).count()));
}

wire::Call call_of(wire::SessionTask& task, const RootView& root) {
  wire::Call call;
  call.argv = std::move(task.argv);
  call.cwd = std::move(task.cwd);
  call.environment = std::move(task.environment);
  call.umask = task.umask;
  call.kind = std::move(task.kind);
  call.inputs = std::move(task.inputs);
  call.outputs = std::move(task.outputs);
  call.program = std::move(task.program);
  call.root_device = root.device;
  call.root_inode = root.inode;
  call.mount_namespace = root.mount_namespace;
  return call;
}

std::string outcome_of(const CallEnd& end) {
  if (end.kind == CallEnd::Kind::locally) return "refused";
  if (end.kind == CallEnd::Kind::failed) return "failed";
  return end.signal != 0 ? "signalled" : "exited";
}

wire::SessionResult result_of(const CallEnd& end, std::uint64_t number) {
  wire::SessionResult result;
  result.number = number;
  result.outcome = outcome_of(end);
  result.exit_code = end.exit_code;
  result.signal = end.signal;
  result.reason = end.reason;
  result.detail = end.detail;
  result.prepare_us = microseconds_of(end.listing);
  for (const auto& trace : end.traces) {
    result.attempts += static_cast<std::uint32_t>(trace.attempts.size());
    result.lease_us += microseconds_of(trace.acquire);
    result.remote_us += microseconds_of(trace.remote);
    result.node = trace.node;
    result.usage = trace.usage;
  }
  return result;
}

}  // namespace

bool SessionDesk::receive(ConnectionId connection, wire::Message& message) {
  if (const auto* hello = std::get_if<wire::SessionHello>(&message)) {
    open(connection, *hello);
    return true;
  }
  if (!has(connection)) return false;
  if (auto* task = std::get_if<wire::SessionTask>(&message)) {
    begin(connection, std::move(*task));
    return true;
  }
  if (const auto* cancelled = std::get_if<wire::SessionCancel>(&message)) {
    cancel(connection, cancelled->number);
    return true;
  }
  return false;
}

void SessionDesk::open(ConnectionId connection, const wire::SessionHello& hello) {
  if (hello.version == 0)
    return handlers_.send(
        connection, wire::Refused{0, "version_mismatch", "a session of no version"}, {}, true);
  Session session;
  session.root = {hello.root_device, hello.root_inode, hello.mount_namespace};
  closed(connection);
  sessions_.emplace(connection, std::move(session));
  const auto version = std::min(hello.version, wire::kSessionVersion);
  handlers_.send(connection, wire::SessionWelcome{version, kTasks}, {}, false);
}

void SessionDesk::begin(ConnectionId connection, wire::SessionTask task) {
  Session& session = sessions_.at(connection);
  const CallId id{connection, task.number};
  const bool is_known = task.number == 0 || session.tasks.contains(task.number);
  if (is_known || task.argv.empty() || task.cwd.empty() || task.cwd.front() != '/')
    return refuse(id, "invalid_task", "a task needs a number of its own, argv and an absolute cwd");
  if (session.tasks.size() >= kTasks)
    return refuse(id, "overloaded", std::to_string(kTasks) + " tasks are under way already");
  session.tasks.insert(task.number);
  SessionWishes wishes;
  wishes.pool = task.pool;
  wishes.priority = task.priority;
  wishes.limits = task.limits;
  wishes.patience = milliseconds(task.patience_ms);
  handlers_.begin(id, call_of(task, session.root), std::move(wishes),
                  [this, id](CallEnd end) { ended(id, std::move(end)); });
}

void SessionDesk::cancel(ConnectionId connection, std::uint64_t number) {
  const CallId id{connection, number};
  if (!sessions_.at(connection).tasks.contains(number)) return;  // its result is on the way
  handlers_.forget(id);
  CallEnd end;
  end.kind = CallEnd::Kind::failed;
  end.reason = "cancelled";
  ended(id, std::move(end));
}

void SessionDesk::ended(CallId id, CallEnd end) {
  const auto found = sessions_.find(id.connection);
  if (found == sessions_.end()) return;
  found->second.tasks.erase(id.number);
  const auto result = result_of(end, id.number);
  handlers_.send(id.connection, result, {std::move(end.out), std::move(end.err)}, false);
}

void SessionDesk::refuse(CallId id, const std::string& reason, const std::string& detail) {
  wire::SessionResult result;
  result.number = id.number;
  result.outcome = "failed";
  result.reason = reason;
  result.detail = detail;
  handlers_.send(id.connection, result, {}, false);
}

void SessionDesk::closed(ConnectionId connection) {
  auto session = sessions_.extract(connection);
  if (!session) return;
  for (const auto number : session.mapped().tasks) handlers_.forget({connection, number});
}

}  // namespace kiln::client
