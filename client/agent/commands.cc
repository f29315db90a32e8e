#include "client/agent/commands.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "client/agent/agent.h"
#include "client/agent/agent_metrics.h"
#include "client/agent/answer.h"
#include "client/timeline/trace_events.h"
#include "common/base/machine.h"
#include "common/base/version.h"
#include "common/model/log_id.h"

namespace kiln::client {
namespace {

using nlohmann::json;

double milliseconds_of(Duration duration) {
  return in_seconds(duration) * 1000;
}

json tally(const Tally& counted) {
  return {{"total", counted.total}, {"reasons", counted.reasons}};
}

json node_json(const wire::NodeStatus& node) {
  json labels = json::object();
  for (const auto& [key, value] : node.node.labels) labels[key] = value;
  return {{"name", node.node.name},
          {"state", node.state},
          {"address", node.node.task_address},
          {"slots", node.node.slots},
          {"running", node.occupancy.running},
          {"queued", node.occupancy.queued},
          {"ready", node.occupancy.ready},
          {"load", node.occupancy.load},
          {"core_speed", node.occupancy.core_speed},
          {"memory_available_bytes", node.occupancy.memory_available_bytes},
          {"completed", node.occupancy.completed},
          {"failed", node.occupancy.failed},
          {"toolchains", node.occupancy.toolchains.size()},
          {"labels", labels},
          {"silent_ms", node.silent_ms}};
}

json trace_json(const CallRecord& record) {
  Duration acquire{};
  Duration remote{};
  Duration write{};
  double queue_ms = 0;
  double root_ms = 0;
  double run_ms = 0;
  json attempts = json::array();
  for (const auto& trace : record.traces) {
    acquire += trace.acquire;
    remote += trace.remote;
    write += trace.write;
    queue_ms += static_cast<double>(trace.usage.queue_us) / 1000;
    root_ms += static_cast<double>(trace.usage.root_us) / 1000;
    run_ms += static_cast<double>(trace.usage.run_us) / 1000;
    for (const auto& attempt : trace.attempts)
      attempts.push_back({{"node", attempt.node}, {"outcome", attempt.outcome}});
  }
  const double on_the_way = milliseconds_of(remote + write) - queue_ms - root_ms - run_ms;
  return {{"phases",
           {{"list_ms", milliseconds_of(record.listing)},
            {"acquire_ms", milliseconds_of(acquire)},
            {"queue_ms", queue_ms},
            {"root_ms", root_ms},
            {"run_ms", run_ms},
            {"transfer_ms", std::max(0.0, on_the_way)}}},
          {"attempts", attempts}};
}

}  // namespace

void Commands::answer(const wire::Command& command, const Asker& asker, Done done) {
  if (command.name == "status") return status(command, done);
  if (command.name == "nodes") return nodes(done);
  if (command.name == "tasks") return tasks(done);
  if (command.name == "drain" || command.name == "resume") return change_node(command, done);
  if (command.name == "log") return log(command, done);
  if (command.name == "stats") return done(stats());
  if (command.name == "why") return done(why(command));
  if (command.name == "trace") return trace(command, done);
  if (command.name == "config") return done(settings(command));
  if (command.name == "doctor") return agent_.doctor_.examine(command, std::move(done));
  if (command.name == "pool" || command.name == "pools" || command.name == "warm")
    return agent_.pools_.answer({command, asker}, done);
  if (command.name == "agent") return done(text_of(json{{"pid", ::getpid()}}));
  if (command.name == "jobs") {
    return agent_.farm_->query([done](const Result<wire::FarmStatus>& farm) {
      std::uint32_t slots = 0;
      if (farm) {
        for (const auto& node : farm->nodes) slots += node.state == "ready" ? node.node.slots : 0;
      }
      // One task a slot, its successor's inputs on the way, and what runs here.
      const std::uint32_t jobs = slots == 0 ? usable_cores() : slots + slots / 4 + usable_cores();
      done(text_of(json{{"jobs", jobs}}));
    });
  }
  done(fail(Errc::invalid_argument, "this agent does not know the command " + command.name +
                                        "; is it older than kiln? stop it: kiln agent stop"));
}

void Commands::status(const wire::Command& command, const Done& done) {
  const auto shown = shown_settings(agent_.settings_, command.environment, agent_.socket_,
                                    agent_.options_.cache.string());
  const auto here = why_none_travels(setting_facts(agent_.settings_, command.environment));
  std::string mode;  // unknown where a setting cannot be read: that is the reason below
  for (const auto& setting : shown ? *shown : std::vector<ShownSetting>{}) {
    if (setting.name == "mode") mode = setting.value;
  }
  json answer;
  answer["version"] = std::string(kVersion);
  answer["agent"] = {{"pid", ::getpid()},
                     {"uptime_s", in_seconds(agent_.reactor_->now() - agent_.started_)},
                     {"socket", agent_.socket_},
                     {"mode", mode},
                     {"calls_active", agent_.calls_.size()}};
  agent_.farm_->query([this, answer, here, done](const Result<wire::FarmStatus>& farm) mutable {
    answer["coordinators"] = json::array();
    for (const auto& state : agent_.farm_->states()) {
      answer["coordinators"].push_back({{"endpoint", state.endpoint},
                                        {"state", state.state},
                                        {"reason", state.reason},
                                        {"version", state.version}});
    }
    answer["farm"] = nullptr;
    answer["remote_possible"] = false;
    answer["reason"] = farm ? "" : farm.error().message;
    if (farm) {
      std::uint32_t ready = 0;
      std::uint32_t slots = 0;
      std::uint32_t busy = 0;
      for (const auto& node : farm->nodes) {
        if (node.state != "ready") continue;
        ++ready;
        slots += node.node.slots;
        busy += node.occupancy.running;
      }
      answer["farm"] = {{"nodes", farm->nodes.size()},
                        {"ready_nodes", ready},
                        {"slots", slots},
                        {"busy", busy},
                        {"queued", farm->waiting_requests}};
      answer["remote_possible"] = ready > 0;
      if (ready == 0) answer["reason"] = "no worker is ready; see `kiln nodes`";
    }
    if (!here.empty()) {
      answer["remote_possible"] = false;
      answer["reason"] = here;
    }
    done(text_of(answer));
  });
}

void Commands::nodes(const Done& done) {
  agent_.farm_->query([done](const Result<wire::FarmStatus>& farm) {
    if (!farm) return done(fail(farm.error()));
    json list = json::array();
    for (const auto& node : farm->nodes) list.push_back(node_json(node));
    done(text_of(json{{"nodes", list}}));
  });
}

void Commands::tasks(const Done& done) {
  agent_.farm_->query([done](const Result<wire::FarmStatus>& farm) {
    if (!farm) return done(fail(farm.error()));
    json list = json::array();
    for (const auto& node : farm->nodes) {
      for (const auto& task : node.occupancy.tasks) {
        list.push_back({{"node", node.node.name},
                        {"label", task.label},
                        {"phase", std::string(name(task.phase))},
                        {"phase_ms", task.phase_ms},
                        {"pool", task.pool},
                        {"age_ms", task.age_ms},
                        {"pid", task.pid},
                        {"build", task.build},
                        {"client", task.client},
                        {"attempt", text_of(log_id(task.attempt))}});
      }
    }
    done(text_of(json{{"tasks", list}}));
  });
}

// A large build's events take a pool thread a moment, and one message: those of all the calls that
// are remembered are far below what a message may hold.
void Commands::trace(const wire::Command& command, const Done& done) {
  const auto& words = command.arguments;
  if (words.size() == 1 && words.front() == "list") return done(build_list(agent_.builds_.list()));
  if (words.empty() || words.size() > 2 || words.front() != "show")
    return done(fail(Errc::invalid_argument, "name one build: kiln trace [BUILD]"));
  auto found = agent_.builds_.find(words.size() == 2 ? words.back() : "");
  if (!found) return done(fail(found.error()));
  auto text = std::make_shared<std::string>();
  agent_.reactor_->offload(
      *agent_.io_,
      [build = std::make_shared<const BuildTimeline>(std::move(*found)), text] {
        *text = trace_events(*build, host_name());
      },
      [text, done] { done(std::move(*text)); });
}

void Commands::change_node(const wire::Command& command, const Done& done) {
  if (command.arguments.size() != 1)
    return done(fail(Errc::invalid_argument, "name one node: kiln " + command.name + " NODE"));
  const std::string& node = command.arguments.front();
  const auto make = [action = command.name, node](std::uint64_t request) {
    return wire::NodeChange{request, action, node};
  };
  agent_.farm_->ask(make, [done, node](const Result<wire::Message>& answer) {
    if (!answer) return done(fail(answer.error()));
    done(text_of(json{{"node", node}}));
  });
}

std::string Commands::stats() const {
  const History& history = agent_.history_;
  return text_of(json{{"calls", history.calls},
                      {"remote", tally(history.remote)},
                      {"local", tally(history.local)},
                      {"fallback", tally(history.fallback)},
                      {"failed", tally(history.failed)},
                      {"retried", tally(history.retried)},
                      {"client_cpu_seconds", client_cpu_seconds()},
                      {"bytes_sent", agent_.workers_->bytes_sent()},
                      {"bytes_received", agent_.workers_->bytes_received()}});
}

Result<std::string> Commands::why(const wire::Command& command) const {
  if (command.arguments.empty()) return fail(Errc::invalid_argument, "name a file: kiln why FILE");
  const std::string file = absolute_path(command.cwd, command.arguments.front());
  const CallRecord* record = agent_.history_.find(file);
  json answer = {{"found", record != nullptr}, {"file", file}};
  if (record != nullptr) {
    answer["ran"] = name_of(record->ran);
    answer["node"] = record->node;
    answer["reason"] = record->reason;
    answer["detail"] = record->detail;
    answer["when"] = record->when;
    answer["wall_ms"] = milliseconds_of(record->wall);
    answer.update(trace_json(*record));
  }
  return text_of(answer);
}

Result<std::string> Commands::settings(const wire::Command& command) const {
  KILN_TRY_ASSIGN(const auto shown, shown_settings(agent_.settings_, command.environment,
                                                   agent_.socket_, agent_.options_.cache.string()));
  json list = json::array();
  for (const auto& setting : shown) {
    list.push_back({{"name", setting.name},
                    {"value", setting.value},
                    {"source", setting.source},
                    {"pending", setting.pending}});
  }
  list.push_back({{"name", "log-file (in use)"},
                  {"value", agent_.options_.log.file},
                  {"source", "this agent"}});
  return text_of(json{{"settings", list}});
}

}  // namespace kiln::client
