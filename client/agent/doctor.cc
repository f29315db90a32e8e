#include "client/agent/doctor.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "client/agent/agent.h"
#include "client/paths/program.h"

namespace kiln::client {

// One examination, from check to check.
struct Doctor::Visit {
  wire::Command command;
  Done done;
  std::vector<Check> checks;
  PrepareOutcome prepared = Local{};
  wire::Call call;
  std::optional<ToolchainAnswer> toolchain;
  std::string trouble;
  bool has_nodes = false;  // else a probe would only wait in vain
  std::optional<ProbeDirectory> directory;

  void add(std::string name, bool ok, std::string detail, std::string mend) {
    checks.push_back({std::move(name), ok, std::move(detail), ok ? "" : std::move(mend)});
  }
};

void Doctor::examine(const wire::Command& command, Done done) {
  auto visit = std::make_shared<Visit>();
  visit->command = command;
  visit->done = std::move(done);
  farm(visit);
}

void Doctor::farm(const std::shared_ptr<Visit>& visit) {
  agent_.farm_->query([this, visit](const Result<wire::FarmStatus>& status) {
    for (const auto& state : agent_.farm_->states()) {
      visit->add("coordinator " + state.endpoint, state.state == "connected",
                 state.state == "connected" ? "version " + state.version : state.reason,
                 "is kiln-coordinator running there, and KILN_COORDINATOR right?");
    }
    std::size_t ready = 0;
    std::uint32_t slots = 0;
    if (status) {
      for (const auto& node : status->nodes) {
        if (node.state != "ready") continue;
        ++ready;
        slots += node.node.slots;
      }
    }
    visit->has_nodes = ready > 0;
    visit->add(
        "nodes", ready > 0,
        status ? std::to_string(ready) + " ready, " + std::to_string(slots) + " slots"
               : status.error().message,
        "start kiln-worker on some machine, with --coordinator HOST; `kiln nodes` lists them");
    toolchain(visit);
  });
}

// The compiler that `cc` means for the caller.
void Doctor::toolchain(const std::shared_ptr<Visit>& visit) {
  auto& call = visit->call;
  call.argv = visit->command.arguments;
  if (call.argv.empty()) call.argv = {"cc"};
  call.cwd = visit->command.cwd;
  call.environment = visit->command.environment;
  agent_.reactor_->offload(
      *agent_.work_,
      [this, visit] {
        const ToolchainQuery query{
            visit->call.argv.front(), visit->call.cwd, visit->call.environment, "", false, true};
        auto answer = agent_.preparer_->toolchains().find(query);
        if (!answer) {
          visit->trouble = answer.error().message;
        } else if (!answer->toolchain) {
          visit->trouble = answer->explanation;
        } else {
          visit->toolchain = *answer;
        }
      },
      [this, visit] {
        visit->add("toolchain", visit->toolchain.has_value(),
                   visit->toolchain ? visit->toolchain->toolchain->version + ", " +
                                          visit->toolchain->toolchain->root.short_hex()
                                    : visit->trouble,
                   "install a compiler, or name one: kiln doctor COMPILER");
        if (!visit->toolchain || !visit->has_nodes) return finish(visit);
        probe(visit);
      });
}

// A compile through the whole farm; with it, the toolchain proves itself.
void Doctor::probe(const std::shared_ptr<Visit>& visit) {
  PreparedUnit unit;
  unit.family = visit->toolchain->toolchain->family.value_or(CompilerFamily::gcc);
  unit.task.toolchain = visit->toolchain->toolchain->root;
  unit.toolchain = visit->toolchain->toolchain;
  visit->call.program = visit->toolchain->program;
  CallSettings settings;
  settings.fallback = false;
  settings.pool = "default";
  agent_.probes_->check(unit, visit->call, settings, [visit](const Status& status) {
    visit->add(
        "probe compile", status.has_value(),
        status ? "a worker's object and messages equal the local ones" : status.error().message,
        "see the agent's log (`kiln config` names it) and the worker's");
    finish(visit);
  });
}

void Doctor::finish(const std::shared_ptr<Visit>& visit) {
  nlohmann::json checks = nlohmann::json::array();
  for (const auto& check : visit->checks) {
    checks.push_back(
        {{"name", check.name}, {"ok", check.ok}, {"detail", check.detail}, {"mend", check.mend}});
  }
  visit->done(nlohmann::json{{"checks", checks}}.dump());
}

}  // namespace kiln::client
