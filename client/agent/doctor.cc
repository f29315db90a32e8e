#include "client/agent/doctor.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "client/agent/agent.h"
#include "client/agent/answer.h"
#include "common/base/version.h"

namespace kiln::client {

// One examination, from check to check.
struct Doctor::Visit {
  wire::Command command;
  Done done;
  std::vector<Check> checks;
  wire::Call call;
  CallSettings settings;
  std::optional<ToolchainAnswer> toolchain;
  std::string trouble;
  bool has_nodes = false;  // else a probe would only wait in vain
};

void Doctor::examine(const wire::Command& command, Done done) {
  auto visit = std::make_shared<Visit>();
  visit->command = command;
  visit->done = std::move(done);
  settings(visit);
  farm(visit);
}

void Doctor::settings(const std::shared_ptr<Visit>& visit) {
  const auto& environment = visit->command.environment;
  if (auto settings = call_settings(agent_.settings_, environment)) {
    visit->settings = std::move(*settings);
  } else {
    visit->settings.pool = "default";
  }
  // The probe is to travel whatever the caller's calls do, and who asks is not to wait for as long
  // as a call without fallback would.
  visit->settings.mode = CallMode::files;
  visit->settings.fallback = true;
  visit->checks.push_back(check_settings(setting_facts(agent_.settings_, environment)));
}

void Doctor::farm(const std::shared_ptr<Visit>& visit) {
  agent_.farm_->query([this, visit](const Result<wire::FarmStatus>& status) {
    for (auto& check : check_coordinators(agent_.farm_->states(), status, kVersion))
      visit->checks.push_back(std::move(check));
    for (auto& check : check_nodes(status)) visit->checks.push_back(std::move(check));
    visit->has_nodes = can_run_tasks(status);
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
        const auto* found = visit->toolchain ? visit->toolchain->toolchain.get() : nullptr;
        visit->checks.push_back(check_toolchain(visit->trouble, found ? found->version : "",
                                                found ? found->root.short_hex() : ""));
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
  // A verdict that is known already says nothing of the farm as it is now.
  agent_.probes_->probe(unit, visit->call, visit->settings, [visit](const Status& status) {
    visit->checks.push_back(check_probe(status));
    finish(visit);
  });
}

void Doctor::finish(const std::shared_ptr<Visit>& visit) {
  nlohmann::json checks = nlohmann::json::array();
  for (const auto& check : visit->checks) {
    checks.push_back(
        {{"name", check.name}, {"ok", check.ok}, {"detail", check.detail}, {"mend", check.mend}});
  }
  visit->done(text_of(nlohmann::json{{"checks", checks}}));
}

}  // namespace kiln::client
