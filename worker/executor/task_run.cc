#include "worker/executor/task_run.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <utility>

#include <linux/keyctl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace kiln::worker {
namespace {

// By which Kiln's own programs know that they are inside of a task, where no other is to be had.
constexpr const char* kMark = "KILN_EXECUTOR";

std::string parent_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

std::uint64_t microseconds_of(Duration duration) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

bool is_order(MessageKind kind) {
  return kind == MessageKind::cancel || kind == MessageKind::terminate;
}

}  // namespace

void become_init() {
  // The parent is outside of this PID namespace, so its death before this line cannot be seen by
  // number; its pidfd tells it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  ::umask(0);
  // Neither the worker's keys nor an earlier task's. Refused in containers, which have no keys.
  ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);
}

std::optional<RunMessage> wait_for_task(Channel& host, const std::vector<int>& ends) {
  std::vector<pollfd> watched{{host.fd(), POLLIN, 0}};
  for (const int fd : ends) watched.push_back({fd, POLLIN, 0});
  while (true) {
    if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) return std::nullopt;
    const auto is_ready = [](const pollfd& one) { return one.revents != 0; };
    const bool is_end = std::any_of(watched.begin() + 1, watched.end(), is_ready);
    if (is_end) ::shutdown(host.fd(), SHUT_RD);
    auto received = host.receive();
    if (!received || (is_end && !*received)) return std::nullopt;
    if (!*received || is_order((*received)->kind)) continue;
    auto run = unpack<RunMessage>((*received)->body);
    if ((*received)->kind != MessageKind::run || !run) return std::nullopt;
    return std::move(*run);
  }
}

RootPlan plan_root(const RunMessage& run, const InitSetup& setup) {
  RootPlan plan{run.workspace, setup.layout, run.request.lowers, {run.request.cwd}, setup.identity};
  for (const auto& output : run.request.outputs) {
    if (auto parent = parent_of(output); parent != plan.writable.back()) {
      plan.writable.push_back(std::move(parent));
    }
  }
  return plan;
}

SupervisedRun plan_run(const RunRequest& request, const InitSetup& setup) {
  SupervisedRun run;
  run.command.program = request.program;
  run.command.argv = request.argv;
  for (const auto& [name, value] : request.environment) {
    if (name != kMark) run.command.environment.push_back(name + "=" + value);
  }
  run.command.environment.push_back(std::string(kMark) + "=1");
  run.command.cwd = request.cwd;
  run.command.umask = static_cast<mode_t>(request.umask);
  run.command.identity = setup.identity;
  run.outputs = request.outputs;
  run.limits = request.limits;
  run.stream_bytes = request.stream_bytes;
  run.tail_bytes = request.tail_bytes;
  return run;
}

std::function<Order()> orders_of(Channel& host) {
  return [&host] {
    const auto received = host.receive();
    if (!received) return Order::cancel;  // the host is gone
    if (!*received) return Order::none;
    return (*received)->kind == MessageKind::terminate ? Order::terminate : Order::cancel;
  };
}

Supervised without_root(const Error& error) {
  Supervised failed;
  failed.end.message = error.message;
  failed.end.nodes_fault = true;
  return failed;
}

Status report_end(Channel& host, Supervised task, TimePoint arrived, bool again, bool forked) {
  if (task.started != TimePoint()) {
    const auto outside = (task.started - arrived) + (Clock::now() - task.ended);
    task.end.usage.root_us = microseconds_of(outside);
  }
  std::vector<int> files;
  if (task.standard_output.valid()) files.push_back(task.standard_output.get());
  if (task.standard_error.valid()) files.push_back(task.standard_error.get());
  return host.send_packed(MessageKind::finished,
                          FinishedMessage{std::move(task.end), again, forked}, files);
}

}  // namespace kiln::worker
