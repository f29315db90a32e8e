#include "client/agent/agent.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "client/agent/spool.h"
#include "client/arguments/command_line.h"
#include "client/paths/paths.h"
#include "client/paths/program.h"
#include "common/base/files.h"
#include "common/base/machine.h"
#include "common/base/version.h"

namespace kiln::client {
namespace {

// Outputs that are too large to come with a result rest here on their way to their place.
constexpr std::uint64_t kSpoolBytes = std::uint64_t{4} << 30U;

std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// The file that a call is about, until it is known better: what `kiln why` asks for when the call
// is not even prepared.
std::string source_of(const wire::Call& call) {
  if (call.argv.empty()) return "";
  if (call.kind == "run") return call.argv.front();
  const auto sources = parse_command_line(call.argv).sources;
  return absolute_path(call.cwd, sources.empty() ? call.argv.back() : sources.front().path);
}

std::string user_name(const Environment& environment) {
  const auto user = value_of(environment, "USER");
  return user.empty() ? std::to_string(::getuid()) : std::string(user);
}

}  // namespace

Result<std::unique_ptr<Agent>> Agent::create(const Environment& environment) {
  KILN_TRY_ASSIGN(auto settings, load_client_settings(environment));
  KILN_TRY_ASSIGN(auto options, agent_settings(settings, environment));
  if (const auto made = make_directories(options.cache); !made)
    return fail(made.error().within("KILN_CACHE_DIR"));
  KILN_TRY_ASSIGN(auto log, Logger::open(options.log));
  std::unique_ptr<Agent> agent(
      new Agent(environment, std::move(settings), std::move(options), std::move(log)));
  KILN_TRY(agent->open());
  return agent;
}

Agent::Agent(Environment environment, config::Settings settings, AgentSettings options, Logger log)
    : environment_(std::move(environment)),
      settings_(std::move(settings)),
      options_(std::move(options)),
      log_(std::move(log)),
      started_(Clock::now()),
      last_call_(started_) {}

// What offloaded work reads goes after the pools; what uses sockets before their context.
Agent::~Agent() {
  server_.reset();
  while (!calls_.empty()) forget(calls_.begin()->first);
  toolchains_.reset();
  probes_.reset();
  workers_.reset();
  leases_.reset();
  farm_.reset();
  work_.reset();
  io_.reset();
  reactor_.reset();
  if (!spool_) return;
  const auto directory = spool_->directory();
  spool_.reset();
  std::error_code code;
  std::filesystem::remove_all(directory, code);
}

Status Agent::open() {
  KILN_TRY_ASSIGN(socket_, socket_path(environment_, ::getuid()));
  KILN_TRY_ASSIGN(reactor_, net::Reactor::create());
  KILN_TRY(reactor_->watch_signals({SIGTERM, SIGINT, SIGHUP}, [this](int) { begin_stop(); }));
  context_ = std::make_unique<net::Context>();
  auto lane = slot_options(environment_, ::getuid());
  lane.lane = "list-";
  lane.count = usable_cores();
  KILN_TRY_ASSIGN(auto slots, LocalSlots::open(std::move(lane)));
  const auto cores = std::max(2U, usable_cores());
  preparer_ = std::make_unique<Preparer>(options_.cache / "toolchains", std::move(slots));
  work_ = std::make_unique<ThreadPool>(2 * cores);
  io_ = std::make_unique<ThreadPool>(cores);
  KILN_TRY(open_spool());
  KILN_TRY(open_farm());
  CallServer::Handlers handlers;
  handlers.message = [this](ConnectionId id, wire::Envelope envelope) {
    receive(id, std::move(envelope));
  };
  handlers.closed = [this](ConnectionId id) { forget(id); };
  KILN_TRY_ASSIGN(server_, CallServer::listen(*reactor_, socket_, log_, std::move(handlers)));
  return {};
}

// A directory of this process: two agents of one user (with different sockets) do not meet.
Status Agent::open_spool() {
  const auto parent = options_.cache / "spool";
  if (const auto made = make_directories(parent); !made)
    return fail(made.error().within("KILN_CACHE_DIR"));
  remove_dead_spools(parent);
  // Not by the pid alone: another host or PID namespace may have the same.
  const std::string own = std::to_string(::getpid()) + "-" + std::to_string(random_epoch());
  KILN_TRY_ASSIGN(
      spool_, store::BlobStore::open(
                  {.directory = parent / own, .limit_bytes = kSpoolBytes, .file_system = nullptr}));
  sink_ = std::make_unique<transfer::StoreSink>(*spool_);
  return {};
}

Status Agent::open_farm() {
  const std::uint64_t epoch = random_epoch();
  FarmLink::Handlers handlers;
  handlers.grant = [this](const wire::Grant& grant) { leases_->granted(grant); };
  handlers.refused = [this](const wire::Refused& refusal) { leases_->refused(refusal); };
  handlers.changed = [this] { leases_->farm_changed(); };
  farm_ = std::make_unique<FarmLink>(
      *reactor_, *context_, log_,
      wire::ClientHello{epoch, host_name(), user_name(environment_), std::string(kVersion)},
      std::move(handlers));
  leases_ = std::make_unique<LeaseDesk>(*reactor_, *farm_, BookPolicy{});
  const net::BulkParts parts{*reactor_, *context_, *io_, uploads_, *sink_};
  workers_ = std::make_unique<WorkerPool>(
      parts, log_, wire::PeerHello{epoch, host_name(), std::string(kVersion)},
      [this](const std::string& worker) { leases_->drop_worker(worker); });
  access_ = std::make_unique<FarmAccess>(
      FarmAccess{*reactor_, *io_, *leases_, *workers_, uploads_, *spool_, log_, epoch, 0,
                 host_name() + "-" + std::to_string(::getpid())});
  probes_ = std::make_unique<ProbeDesk>(*access_, *work_, *preparer_, options_.cache / "probes");
  toolchains_ = std::make_unique<ToolchainDesk>(
      ToolchainDesk::Parts{*reactor_, *work_, *preparer_, *access_, *farm_, *probes_});
  return farm_->connect(options_.coordinators);
}

void Agent::run() {
  log_.info("serving", {{"socket", socket_}, {"version", std::string(kVersion)}});
  check_idle();
  reactor_->run();
  leases_->release_all();
  log_.info("ended");
}

// Under the launchers' start lock, so that the socket of a successor is not removed.
void Agent::begin_stop() {
  const UniqueFd lock(::open(start_lock_path(socket_).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.valid()) ::flock(lock.get(), LOCK_EX | LOCK_NB);
  server_->stop_listening();
  reactor_->stop();
}

void Agent::check_idle() {
  if (options_.idle_timeout == Duration::zero()) return;
  const TimePoint now = reactor_->now();
  if (!calls_.empty()) last_call_ = now;
  const TimePoint due = last_call_ + options_.idle_timeout;
  if (now >= due) {
    log_.info("idle");
    return begin_stop();
  }
  reactor_->call_at(due, [this] { check_idle(); });
}

void Agent::receive(ConnectionId connection, wire::Envelope envelope) {
  last_call_ = reactor_->now();
  if (auto* call = std::get_if<wire::Call>(&envelope.message)) {
    begin_call(connection, std::move(*call));
  } else if (const auto* ping = std::get_if<wire::Ping>(&envelope.message)) {
    server_->send(connection, wire::Pong{ping->number}, {}, true);
  } else if (const auto* command = std::get_if<wire::Command>(&envelope.message)) {
    const bool stop = command->name == "agent";
    commands_.answer(*command, [this, connection, stop](const Result<std::string>& json) {
      const std::string error = json ? "" : json.error().message;
      server_->send(connection, wire::CommandReply{error}, {json ? *json : "{}"}, true);
      if (stop && json) reactor_->defer([this] { begin_stop(); });
    });
  } else {
    server_->send(connection, wire::Refused{0, "invalid_argument", "the agent takes calls only"},
                  {}, true);
  }
}

void Agent::begin_call(ConnectionId connection, wire::Call call) {
  ++history_.calls;
  auto active = std::make_shared<ActiveCall>();
  active->begun = reactor_->now();
  active->call = std::move(call);
  active->source = source_of(active->call);
  forget(connection);  // a connection carries one call; another replaces it
  calls_[connection] = active;
  auto settings = call_settings(settings_, active->call.environment);
  if (!settings) return answer_failed(connection, "bad_setting", settings.error().message);
  active->settings = *settings;
  const auto& named = active->call;
  if (!same_root(root_, {named.root_device, named.root_inode, named.mount_namespace}))
    return answer_locally(connection, {"other_root", is_compiler_name(named.program)}, false);
  auto outcome = std::make_shared<PrepareOutcome>(Local{});
  reactor_->offload(
      *work_,
      [&preparer = *preparer_, active, outcome] {
        if (!active->dropped) *outcome = preparer.prepare(active->call, active->settings);
      },
      [this, connection, active, outcome] {
        const auto found = calls_.find(connection);
        if (found != calls_.end() && found->second == active)
          prepared(connection, std::move(*outcome));
      });
}

void Agent::prepared(ConnectionId connection, PrepareOutcome outcome) {
  if (const auto* local = std::get_if<Local>(&outcome)) {
    const bool fails = is_failure(*local);
    if (fails && !calls_.at(connection)->settings.fallback)
      return answer_failed(connection, local->reason, local->detail);
    return answer_locally(connection, *local, fails);
  }
  auto ready = std::make_shared<Prepared>(std::get<Prepared>(std::move(outcome)));
  const auto active = calls_.at(connection);
  active->source = ready->units.front().source;
  active->listing = ready->listing;
  probes_->check(
      ready->units.front(), active->call, active->settings,
      [this, connection, active, ready](const Status& probed) {
        const auto found = calls_.find(connection);
        if (found == calls_.end() || found->second != active) return;
        if (probed) return run_remotely(connection, std::move(*ready));
        const bool refused = probed.error().code == Errc::unsupported;
        if (active->settings.fallback)
          return answer_locally(
              connection,
              {refused ? "toolchain_refused" : "probe_failed", true, probed.error().message}, true);
        answer_failed(connection, refused ? "toolchain_refused" : "probe_failed",
                      probed.error().message);
      });
}

void Agent::run_remotely(ConnectionId connection, Prepared prepared) {
  const auto active = calls_.at(connection);
  active->remote = std::make_unique<RemoteCall>(*access_, std::move(prepared), active->settings);
  const std::weak_ptr<ActiveCall> weak = active;
  active->remote->start(
      [this, connection, weak](UnitOutcome outcome, std::vector<UnitTrace> traces) {
        // The call is still on the stack: it is destroyed in the next turn.
        auto shared = std::make_shared<UnitOutcome>(std::move(outcome));
        reactor_->defer([this, connection, weak, shared, traces = std::move(traces)] {
          const auto found = calls_.find(connection);
          if (found != calls_.end() && found->second == weak.lock())
            call_ended(connection, std::move(*shared), traces);
        });
      });
}

void Agent::call_ended(ConnectionId connection, UnitOutcome outcome,
                       const std::vector<UnitTrace>& traces) {
  for (const auto& trace : traces) {
    for (std::size_t i = 0; i + 1 < trace.attempts.size(); ++i)
      history_.retried.add(trace.attempts[i].second);
  }
  const auto active = calls_.at(connection);
  if (outcome.kind == Step::Kind::locally) {
    log_.warning(
        "fallback",
        {{"source", active->source}, {"reason", outcome.reason}, {"detail", outcome.detail}});
    return answer_locally(connection, {outcome.reason, true, outcome.detail}, true);
  }
  if (outcome.kind == Step::Kind::fail)
    return answer_failed(connection, outcome.reason, outcome.detail);
  history_.remote.add(outcome.trace.node.empty() ? traces.back().node : outcome.trace.node);
  record(*active, CallRecord::Ran::remotely, {"compiled"}, traces);
  calls_.erase(connection);
  server_->send(connection, wire::CallDone{outcome.exit_code, outcome.signal},
                {std::move(outcome.out), std::move(outcome.err)}, true);
}

void Agent::answer_locally(ConnectionId connection, const Local& local, bool is_fallback) {
  const auto active = calls_.at(connection);
  (is_fallback ? history_.fallback : history_.local).add(local.reason);
  record(*active, CallRecord::Ran::locally, local, {});
  calls_.erase(connection);
  server_->send(connection,
                wire::CallLocally{active->call.program, local.wants_slot, local.reason, 0}, {},
                true);
}

void Agent::answer_failed(ConnectionId connection, const std::string& reason,
                          const std::string& detail) {
  const auto active = calls_.at(connection);
  history_.failed.add(reason);
  record(*active, CallRecord::Ran::nowhere, {reason, true, detail}, {});
  log_.error("failed", {{"source", active->source}, {"reason", reason}, {"detail", detail}});
  calls_.erase(connection);
  server_->send(connection, wire::CallFailed{reason + ": " + detail}, {}, true);
}

void Agent::record(const ActiveCall& call, CallRecord::Ran ran, const Local& why,
                   const std::vector<UnitTrace>& traces) {
  CallRecord entry;
  entry.file = call.source;
  entry.ran = ran;
  entry.node = traces.empty() ? "" : traces.back().node;
  entry.reason = why.reason;
  entry.detail = why.detail;
  entry.when = unix_seconds();
  entry.wall = reactor_->now() - call.begun;
  entry.listing = call.listing;
  entry.traces = traces;
  history_.add(std::move(entry));
}

// The launcher is gone; destroying the call cancels it.
void Agent::forget(ConnectionId connection) {
  const auto node = calls_.extract(connection);
  if (!node) return;
  node.mapped()->dropped = true;
  node.mapped()->remote.reset();
}

}  // namespace kiln::client
