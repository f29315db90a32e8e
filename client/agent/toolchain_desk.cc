#include "client/agent/toolchain_desk.h"

#include <algorithm>
#include <utility>

#include "client/paths/program.h"

namespace kiln::client {

struct ToolchainDesk::Errand {
  std::deque<std::string> commands;  // still to do, the first one at work
  std::string cwd;
  Environment environment;
  CallSettings settings;
  Asker asker;
  Done done;
  bool over = false;  // done was called
  std::vector<PoolToolchain> ready;
  // The command at work.
  Result<ToolchainAnswer> answer = fail(Errc::internal, "not looked for");
  PrepareOutcome prepared = Local{};
  std::unique_ptr<RemoteCall> remote;
};

namespace {

bool is_staged(const wire::FarmStatus& farm, const Digest& toolchain) {
  return std::any_of(farm.nodes.begin(), farm.nodes.end(), [&](const wire::NodeStatus& node) {
    const auto& staged = node.occupancy.toolchains;
    return node.state == "ready" &&
           std::find(staged.begin(), staged.end(), toolchain) != staged.end();
  });
}

}  // namespace

// What the reactor still holds of an errand must not outlive what its remote call works with.
ToolchainDesk::~ToolchainDesk() {
  for (const auto& errand : errands_) errand->remote.reset();
}

void ToolchainDesk::provide(std::vector<std::string> commands, const std::string& cwd,
                            const Environment& environment, const CallSettings& settings,
                            Asker asker, Done done) {
  auto errand = std::make_shared<Errand>();
  errand->commands.assign(commands.begin(), commands.end());
  errand->cwd = cwd;
  errand->environment = environment;
  errand->settings = settings;
  // It is about the farm: to run it here would prove nothing, and who asks is not to wait long.
  errand->settings.mode = CallMode::files;
  errand->settings.fallback = true;
  errand->settings.pool = kDefaultPool;
  errand->asker = std::move(asker);
  errand->done = std::move(done);
  errands_.push_back(errand);
  next(errand);
}

void ToolchainDesk::drop_unwanted() {
  const auto errands = errands_;
  for (const auto& errand : errands) {
    if (!errand->asker.expired()) continue;
    errand->remote.reset();
    end(errand, fail(Errc::cancelled, "nobody waits for it any more"));
  }
}

void ToolchainDesk::next(const ErrandPtr& errand) {
  if (errand->asker.expired())
    return end(errand, fail(Errc::cancelled, "nobody waits for it any more"));
  if (errand->commands.empty()) return end(errand, std::move(errand->ready));
  parts_.reactor.offload(
      parts_.work,
      [&preparer = parts_.preparer, errand] {
        const std::string& command = errand->commands.front();
        const ToolchainQuery query{command, errand->cwd, errand->environment,
                                   "",      false,       is_compiler_name(command)};
        errand->answer = preparer.toolchains().find(query);
        if (!errand->answer || !errand->answer->toolchain) return;
        wire::Call call;
        call.kind = "run";
        call.argv = {command, "--version"};
        call.program = errand->answer->program;
        call.cwd = "/";
        call.environment = errand->environment;
        errand->prepared = preparer.prepare(call, errand->settings);
      },
      [this, errand] { found(errand); });
}

void ToolchainDesk::found(const ErrandPtr& errand) {
  if (errand->over) return;
  const std::string& command = errand->commands.front();
  const auto refuse = [&](const std::string& why) {
    end(errand, fail(Errc::unsupported, "no other machine can run " + command + ": " + why));
  };
  if (!errand->answer) return end(errand, fail(errand->answer.error().within(command)));
  const auto toolchain = errand->answer->toolchain;
  if (!toolchain) return refuse(errand->answer->explanation);
  errand->ready.push_back({command, toolchain->program, toolchain->architecture, toolchain->root});
  if (!toolchain->family) return bring(errand);
  PreparedUnit unit;
  unit.family = *toolchain->family;
  unit.task.toolchain = toolchain->root;
  unit.toolchain = toolchain;
  wire::Call call;
  call.argv = {command};
  call.program = errand->answer->program;
  call.cwd = errand->cwd;
  call.environment = errand->environment;
  parts_.probes.check(unit, call, errand->settings, [this, errand](const Status& proved) {
    if (errand->over) return;
    if (!proved) return end(errand, fail(proved.error().within(errand->commands.front())));
    bring(errand);
  });
}

// Proved in an earlier life of the farm it may be nowhere now.
void ToolchainDesk::bring(const ErrandPtr& errand) {
  parts_.farm.query([this, errand](const Result<wire::FarmStatus>& farm) {
    if (errand->over) return;
    if (!farm) return end(errand, fail(farm.error()));
    if (!is_staged(*farm, errand->answer->toolchain->root)) return run_there(errand);
    errand->commands.pop_front();
    next(errand);
  });
}

// Any task brings its toolchain along; this one asks the program what it is.
void ToolchainDesk::run_there(const ErrandPtr& errand) {
  auto* prepared = std::get_if<Prepared>(&errand->prepared);
  if (prepared == nullptr) {
    return end(errand, fail(Errc::unsupported, errand->commands.front() + " cannot travel: " +
                                                   std::get<Local>(errand->prepared).reason));
  }
  auto& unit = prepared->units.front();
  unit.toolchain = errand->answer->toolchain;
  unit.task.toolchain = unit.toolchain->root;
  unit.task.program = unit.toolchain->program;
  errand->remote =
      std::make_unique<RemoteCall>(parts_.access, std::move(*prepared), errand->settings);
  errand->remote->start([this, weak = std::weak_ptr<Errand>(errand)](
                            const UnitOutcome& outcome, const std::vector<UnitTrace>&) {
    // The call is still on the stack.
    parts_.reactor.defer([this, weak, outcome] {
      const auto alive = weak.lock();
      if (!alive || alive->over) return;
      alive->remote.reset();
      if (outcome.kind != Step::Kind::done) {
        return end(alive, fail(Errc::unavailable, "cannot bring " + alive->commands.front() +
                                                      " to a node: " + outcome.reason +
                                                      (outcome.detail.empty() ? "" : ": ") +
                                                      outcome.detail));
      }
      alive->commands.pop_front();
      next(alive);
    });
  });
}

void ToolchainDesk::end(const ErrandPtr& errand, Result<std::vector<PoolToolchain>> result) {
  std::erase(errands_, errand);
  errand->over = true;
  errand->done(std::move(result));
}

}  // namespace kiln::client
