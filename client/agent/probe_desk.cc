#include "client/agent/probe_desk.h"

#include <utility>
#include <variant>

#include "common/base/files.h"

namespace kiln::client {

// One toolchain's probe: its sources one after the other, each locally, then remotely.
struct ProbeDesk::Probe {
  Digest root;
  CompilerFamily family = CompilerFamily::gcc;
  wire::Call call;  // whose command and environment are probed
  CallSettings settings;
  std::vector<ProbeSource> sources;
  std::vector<Done> waiting;
  // The source at work.
  std::optional<ProbeDirectory> directory;
  Result<ProbeOutcome> local = fail(Errc::internal, "not run");
  PrepareOutcome prepared = Local{};
  std::unique_ptr<RemoteCall> remote;
};

ProbeDesk::ProbeDesk(FarmAccess& farm, ThreadPool& work, Preparer& preparer,
                     std::filesystem::path scratch)
    : farm_(farm), work_(work), preparer_(preparer), scratch_(std::move(scratch)) {}

// What the reactor still holds of a probe must not outlive what its remote call works with.
ProbeDesk::~ProbeDesk() {
  for (const auto& [key, probe] : probes_) probe->remote.reset();
}

void ProbeDesk::check(const PreparedUnit& unit, const wire::Call& call,
                      const CallSettings& settings, Done done) {
  const Digest root = unit.task.toolchain;
  if (!unit.is_compile) return done({});
  const Verdict verdict = preparer_.toolchains().verdict(root);
  if (verdict.state == ProbeState::ok) return done({});
  if (verdict.state == ProbeState::refused) return done(fail(Errc::unsupported, verdict.reason));
  probe(unit, call, settings, std::move(done));
}

void ProbeDesk::probe(const PreparedUnit& unit, const wire::Call& call,
                      const CallSettings& settings, Done done) {
  const Digest root = unit.task.toolchain;
  auto& probe = probes_[{root, settings.fallback}];
  if (probe) return probe->waiting.push_back(std::move(done));
  probe = std::make_shared<Probe>();
  probe->root = root;
  probe->family = unit.family;
  probe->call = call;
  probe->settings = settings;
  for (const auto language : {Language::cxx, Language::c}) {
    if (!can_compile(*unit.toolchain, language)) continue;
    for (auto& source : probe_sources(unit.family, language))
      probe->sources.push_back(std::move(source));
  }
  probe->waiting.push_back(std::move(done));
  const auto held = probe;
  run_next(held);
}

// Everything that blocks about one source: its directory, the local run, preparing the remote one.
void ProbeDesk::run_next(const std::shared_ptr<Probe>& probe) {
  if (probe->sources.empty()) return end(probe, {});
  farm_.reactor.offload(
      work_,
      [&preparer = preparer_, scratch = scratch_, probe] {
        const ProbeSource& source = probe->sources.back();
        static_cast<void>(make_directories(scratch));
        auto directory = ProbeDirectory::create(scratch, source);
        if (!directory) {
          probe->local = fail(directory.error());
          return;
        }
        probe->directory.emplace(std::move(*directory));
        wire::Call call = probe->call;
        call.cwd = probe->directory->path().string();
        call.argv.resize(1);
        call.argv.insert(call.argv.end(), source.arguments.begin(), source.arguments.end());
        call.stderr_is_terminal = false;
        probe->local = run_locally(call.program, call.argv.front(), call.environment, source,
                                   *probe->directory);
        probe->prepared = preparer.prepare(call, probe->settings);
      },
      [this, probe] { run_remotely(probe); });
}

void ProbeDesk::run_remotely(const std::shared_ptr<Probe>& probe) {
  if (!probe->local) return end(probe, fail(probe->local.error()));
  if (const auto* local = std::get_if<Local>(&probe->prepared)) {
    // A verdict is for good; what only went wrong this time is none.
    const Errc code = is_failure(*local) ? Errc::unavailable : Errc::unsupported;
    return end(probe, fail(code, "the probe compile cannot travel: " + local->reason));
  }
  probe->remote = std::make_unique<RemoteCall>(
      farm_, std::get<Prepared>(std::move(probe->prepared)), probe->settings);
  // Weak: the probe owns the call.
  probe->remote->start([this, weak = std::weak_ptr<Probe>(probe)](const UnitOutcome& outcome,
                                                                  const std::vector<UnitTrace>&) {
    // The call is still on the stack.
    farm_.reactor.defer([this, weak, outcome] {
      if (const auto alive = weak.lock()) remote_ended(alive, outcome);
    });
  });
}

void ProbeDesk::remote_ended(const std::shared_ptr<Probe>& probe, const UnitOutcome& outcome) {
  probe->remote.reset();
  if (outcome.kind != Step::Kind::done)
    return end(probe, fail(Errc::unavailable, outcome.reason + ": " + outcome.detail));
  auto compared = std::make_shared<Status>();
  farm_.reactor.offload(
      work_,
      [probe, outcome, compared] {
        auto object = read_file(probe->directory->object_path());
        const ProbeOutcome remote{outcome.exit_code, object ? *object : "", outcome.err};
        *compared = compare(*probe->local, remote);
        probe->directory.reset();
      },
      [this, probe, compared] {
        if (!*compared) return end(probe, *compared);
        probe->sources.pop_back();
        run_next(probe);
      });
}

void ProbeDesk::end(const std::shared_ptr<Probe>& probe, const Status& status) {
  const std::string root = probe->root.short_hex();
  if (status) {
    farm_.logs.toolchains.info("toolchain_accepted", {{"toolchain", root}});
    static_cast<void>(preparer_.toolchains().set_verdict(probe->root, {ProbeState::ok, ""}));
  } else if (status.error().code == Errc::unsupported) {
    farm_.logs.toolchains.error("toolchain_refused",
                                {{"toolchain", root}, {"reason", status.error()}});
    static_cast<void>(preparer_.toolchains().set_verdict(
        probe->root, {ProbeState::refused, status.error().message}));
  } else {
    farm_.logs.toolchains.warning("toolchain_not_probed",
                                  {{"toolchain", root}, {"reason", status.error()}});
  }
  const auto held = probes_.extract({probe->root, probe->settings.fallback});
  for (auto& done : std::exchange(probe->waiting, {})) done(status);
}

}  // namespace kiln::client
