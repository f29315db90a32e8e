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

#include "client/agent/declared_outputs.h"
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
// How long calls under way may take when the agent is to end. `kiln agent stop` waits 30 s.
constexpr Duration kStopGrace = seconds(25);
constexpr Duration kLookAgain = milliseconds(20);

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

// As the launcher does it; what is not there is a reason of the preparer's.
void find_program_of(wire::Call& call) {
  if (!call.program.empty()) return;
  const auto found = find_program(call.argv.front(), call.cwd, call.environment, "");
  if (found) call.program = found->path;
}

// A caller's own limits in the place of the usual ones.
void limit(Prepared& prepared, const Limits& wanted) {
  for (auto& unit : prepared.units) {
    Limits& limits = unit.task.limits;
    if (wanted.wall_ms != 0) limits.wall_ms = wanted.wall_ms;
    if (wanted.memory_bytes != 0) limits.memory_bytes = wanted.memory_bytes;
    if (wanted.output_bytes != 0) limits.output_bytes = wanted.output_bytes;
  }
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
  local_runs_.reset();
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
  if (options_.key) context_->set_identity(options_.key->keys);
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
  open_sessions();
  open_metrics();
  local_runs_ = std::make_unique<LocalRuns>(
      *reactor_, [this](BuildBook::JobId job) { builds_.here_ended(job, reactor_->now()); });
  CallServer::Handlers handlers;
  handlers.message = [this](ConnectionId id, wire::Envelope envelope) {
    receive(id, std::move(envelope));
  };
  handlers.closed = [this](ConnectionId id) { connection_closed(id); };
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
  WorkerRoutes::Options routes{options_.route, options_.coordinators, {}};
  if (options_.key) routes.socket.peer_keys = options_.key->coordinators;
  workers_ = std::make_unique<WorkerPool>(
      parts, log_, wire::PeerHello{epoch, host_name(), std::string(kVersion)}, std::move(routes),
      [this](const std::string& worker) { leases_->drop_worker(worker); });
  access_ = std::make_unique<FarmAccess>(FarmAccess{
      *reactor_, *io_, *leases_, *workers_, uploads_, *spool_, log_, epoch, 0,
      host_name() + "-" + std::to_string(::getpid()), user_name(environment_) + "@" + host_name()});
  probes_ = std::make_unique<ProbeDesk>(*access_, *work_, *preparer_, options_.cache / "probes");
  toolchains_ = std::make_unique<ToolchainDesk>(
      ToolchainDesk::Parts{*reactor_, *work_, *preparer_, *access_, *farm_, *probes_});
  return farm_->connect(options_.coordinators, options_.key, options_.key_path);
}

void Agent::open_sessions() {
  SessionDesk::Handlers handlers;
  handlers.begin = [this](CallId id, wire::Call call, const SessionWishes& wishes,
                          CallAnswer answer) {
    begin_session_call(id, std::move(call), wishes, std::move(answer));
  };
  handlers.forget = [this](CallId id) { forget(id); };
  handlers.send = [this](ConnectionId id, const wire::Message& message, wire::Frames raw,
                         bool last) { server_->send(id, message, std::move(raw), last); };
  sessions_ = std::make_unique<SessionDesk>(std::move(handlers));
}

// Nobody's call fails for want of them.
void Agent::open_metrics() {
  if (options_.metrics.empty()) return;
  auto served = AgentMetrics::serve(options_.metrics);
  if (!served) {
    log_.warning("no metrics", {{"address", options_.metrics}, {"error", served.error()}});
    return;
  }
  metrics_ = std::move(*served);
  publish_metrics();
}

void Agent::publish_metrics() {
  reactor_->call_after(seconds(1), [this] { publish_metrics(); });
  metrics_->publish({history_, workers_->bytes_sent(), workers_->bytes_received(), calls_.size()});
}

void Agent::run() {
  log_.info("serving", {{"socket", socket_}, {"version", std::string(kVersion)}});
  check_idle();
  reactor_->run();
  leases_->release_all();
  log_.info("ended");
}

// Under the launchers' start lock, so that the socket of a successor is not removed. Told twice, it
// waits for nobody.
void Agent::begin_stop() {
  if (std::exchange(stopping_, true)) return reactor_->stop();
  const UniqueFd lock(::open(start_lock_path(socket_).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.valid()) ::flock(lock.get(), LOCK_EX | LOCK_NB);
  server_->stop_listening();
  stop_when_done(reactor_->now() + kStopGrace);
}

// Calls under way end as if nothing were; the next ones start another agent. A session of the
// library stays connected when it has no calls.
void Agent::stop_when_done(TimePoint latest) {
  const bool busy = !calls_.empty() || server_->connections() > sessions_->count();
  if (!busy || reactor_->now() >= latest) return reactor_->stop();
  reactor_->call_after(kLookAgain, [this, latest] { stop_when_done(latest); });
}

void Agent::check_idle() {
  if (options_.idle_timeout == Duration::zero()) return;
  const TimePoint now = reactor_->now();
  if (!calls_.empty() || sessions_->count() > 0) last_call_ = now;
  const TimePoint due = last_call_ + options_.idle_timeout;
  if (now >= due) {
    log_.info("idle");
    return begin_stop();
  }
  reactor_->call_at(due, [this] { check_idle(); });
}

void Agent::receive(ConnectionId connection, wire::Envelope envelope) {
  last_call_ = reactor_->now();
  const bool last = !sessions_->has(connection);
  if (sessions_->receive(connection, envelope.message)) return;
  if (auto* call = std::get_if<wire::Call>(&envelope.message); call != nullptr && last) {
    begin_launchers_call(connection, std::move(*call));
  } else if (const auto* ping = std::get_if<wire::Ping>(&envelope.message)) {
    server_->send(connection, wire::Pong{ping->number}, {}, last);
  } else if (const auto* command = std::get_if<wire::Command>(&envelope.message)) {
    answer_command(connection, *command);
  } else {
    server_->send(connection, wire::Refused{0, "invalid_argument", "the agent takes calls only"},
                  {}, true);
  }
}

void Agent::answer_command(ConnectionId connection, const wire::Command& command) {
  const bool stop = command.name == "agent";
  const bool last = !sessions_->has(connection);
  auto& asker = askers_[connection];
  asker = std::make_shared<bool>();
  commands_.answer(command, asker, [this, connection, stop, last](const Result<std::string>& json) {
    askers_.erase(connection);
    wire::CommandReply reply;
    if (!json) reply = {json.error().message, std::string(name(json.error().code))};
    server_->send(connection, reply, {json ? *json : "{}"}, last);
    if (stop && json) reactor_->defer([this] { begin_stop(); });
  });
}

// The launcher becomes the compiler, or prints what came of it.
void Agent::begin_launchers_call(ConnectionId connection, wire::Call call) {
  const std::string program = call.program;
  const auto answer = [this, connection, program](CallEnd end) {
    if (end.kind == CallEnd::Kind::done)
      return server_->send(connection, wire::CallDone{end.exit_code, end.signal},
                           {std::move(end.out), std::move(end.err)}, true);
    if (end.kind == CallEnd::Kind::locally) {
      local_runs_->watch(server_->open_peer(connection), end.job);
      return server_->send(connection, wire::CallLocally{program, end.wants_slot, end.reason, 0},
                           {}, true);
    }
    server_->send(connection, wire::CallFailed{end.reason + ": " + end.detail}, {}, true);
  };
  const CallId id{connection, 0};
  const auto active = add_call(id, std::move(call), answer);
  auto settings = call_settings(settings_, active->call.environment);
  if (settings) active->settings = *settings;
  enter_build(*active);
  if (!settings)
    return answer_failed(id, {CallEnd::Kind::failed, "bad_setting", settings.error().message});
  begin_call(id, active);
}

// The library never runs anything itself, whatever the environment says.
void Agent::begin_session_call(CallId id, wire::Call call, const SessionWishes& wishes,
                               CallAnswer answer) {
  const auto active = add_call(id, std::move(call), std::move(answer));
  active->settings.fallback = false;
  active->settings.pool = wishes.pool;
  active->settings.priority = wishes.priority;
  active->settings.patience = wishes.patience;
  active->settings.farm_patience = wishes.farm_patience;
  active->limits = wishes.limits;
  enter_build(*active);
  begin_call(id, active);
}

std::shared_ptr<Agent::ActiveCall> Agent::add_call(CallId id, wire::Call call, CallAnswer answer) {
  ++history_.calls;
  auto active = std::make_shared<ActiveCall>();
  active->begun = reactor_->now();
  active->call = std::move(call);
  active->answer = std::move(answer);
  active->source = source_of(active->call);
  forget(id);  // a launcher's connection carries one call; another replaces it
  calls_[id] = active;
  return active;
}

void Agent::enter_build(ActiveCall& call) {
  const std::string& named = call.settings.build;
  call.run = builds_.enter(named.empty() ? access_->default_build : named, call.begun);
}

bool Agent::is_active(CallId id, const std::shared_ptr<ActiveCall>& call) const {
  const auto found = calls_.find(id);
  return found != calls_.end() && found->second == call;
}

void Agent::begin_call(CallId id, const std::shared_ptr<ActiveCall>& active) {
  const auto& named = active->call;
  if (!same_root(root_, {named.root_device, named.root_inode, named.mount_namespace}))
    return answer_locally(id, {"other_root", is_compiler_name(named.program)}, false);
  auto outcome = std::make_shared<PrepareOutcome>(Local{});
  reactor_->offload(
      *work_,
      [&preparer = *preparer_, active, outcome, finds_program = id.number != 0] {
        if (active->dropped) return;
        active->listing_begun = Clock::now();
        if (finds_program) find_program_of(active->call);
        *outcome = preparer.prepare(active->call, active->settings);
        if (auto* ready = std::get_if<Prepared>(outcome.get())) limit(*ready, active->limits);
        active->listing_ended = Clock::now();
      },
      [this, id, active, outcome] {
        if (is_active(id, active)) prepared(id, std::move(*outcome));
      });
}

void Agent::prepared(CallId id, PrepareOutcome outcome) {
  const auto active = calls_.at(id);
  if (const auto* local = std::get_if<Local>(&outcome)) {
    const bool fails = is_failure(*local);
    if (fails && !active->settings.fallback)
      return answer_failed(id, {CallEnd::Kind::failed, local->reason, local->detail});
    return answer_locally(id, *local, fails);
  }
  auto ready = std::make_shared<Prepared>(std::get<Prepared>(std::move(outcome)));
  active->source = ready->units.front().source;
  active->listing = ready->listing;
  probes_->check(ready->units.front(), active->call, active->settings,
                 [this, id, active, ready](const Status& probed) {
                   if (!is_active(id, active)) return;
                   if (probed) return run_remotely(id, std::move(*ready));
                   const bool refused = probed.error().code == Errc::unsupported;
                   const std::string reason = refused ? "toolchain_refused" : "probe_failed";
                   if (active->settings.fallback)
                     return answer_locally(id, {reason, true, probed.error().message}, true);
                   answer_failed(id, {CallEnd::Kind::failed, reason, probed.error().message});
                 });
}

void Agent::run_remotely(CallId id, Prepared prepared) {
  const auto active = calls_.at(id);
  active->remote = std::make_unique<RemoteCall>(*access_, std::move(prepared), active->settings);
  const std::weak_ptr<ActiveCall> weak = active;
  active->remote->start([this, id, weak](UnitOutcome outcome, std::vector<UnitTrace> traces) {
    // The call is still on the stack: it is destroyed in the next turn.
    auto shared = std::make_shared<UnitOutcome>(std::move(outcome));
    reactor_->defer([this, id, weak, shared, traces = std::move(traces)] {
      if (const auto call = weak.lock(); call && is_active(id, call))
        call_ended(id, std::move(*shared), traces);
    });
  });
}

void Agent::call_ended(CallId id, UnitOutcome outcome, const std::vector<UnitTrace>& traces) {
  for (const auto& trace : traces) {
    for (std::size_t i = 0; i + 1 < trace.attempts.size(); ++i)
      history_.retried.add(trace.attempts[i].outcome);
  }
  if (outcome.kind == Step::Kind::locally) {
    log_.warning("fallback", {{"source", calls_.at(id)->source},
                              {"reason", outcome.reason},
                              {"detail", outcome.detail}});
    return answer_locally(id, {outcome.reason, true, outcome.detail}, true, traces);
  }
  CallEnd end;
  end.reason = outcome.reason;
  end.detail = outcome.detail;
  end.out = std::move(outcome.out);
  end.err = std::move(outcome.err);
  end.traces = traces;
  if (outcome.kind == Step::Kind::fail) {
    end.kind = CallEnd::Kind::failed;
    return answer_failed(id, std::move(end));
  }
  history_.remote.add(outcome.trace.node.empty() ? traces.back().node : outcome.trace.node);
  end.reason = "compiled";
  end.exit_code = outcome.exit_code;
  end.signal = outcome.signal;
  // The library's tasks end as their commands did.
  if (id.number == 0) require_outputs(calls_.at(id)->call, outcome.missing_outputs, end);
  end_call(id, CallRecord::Ran::remotely, std::move(end));
}

void Agent::answer_locally(CallId id, const Local& local, bool is_fallback,
                           const std::vector<UnitTrace>& traces) {
  const bool runs = id.number == 0;  // the library runs nothing itself
  if (runs) {
    (is_fallback ? history_.fallback : history_.local).add(local.reason);
  } else {
    history_.failed.add(local.reason);
  }
  CallEnd end{CallEnd::Kind::locally, local.reason, local.detail};
  end.wants_slot = local.wants_slot;
  end.is_fallback = is_fallback;
  end.traces = traces;
  end_call(id, runs ? CallRecord::Ran::locally : CallRecord::Ran::nowhere, std::move(end));
}

void Agent::answer_failed(CallId id, CallEnd end) {
  history_.failed.add(end.reason);
  log_.error("failed",
             {{"source", calls_.at(id)->source}, {"reason", end.reason}, {"detail", end.detail}});
  end_call(id, CallRecord::Ran::nowhere, std::move(end));
}

void Agent::end_call(CallId id, CallRecord::Ran ran, CallEnd end) {
  const auto active = calls_.extract(id).mapped();
  end.listing = active->listing;
  end.job = record(*active, ran, end);
  active->answer(std::move(end));
}

BuildBook::JobId Agent::record(const ActiveCall& call, CallRecord::Ran ran, const CallEnd& end) {
  CallRecord entry;
  entry.file = call.source;
  entry.ran = ran;
  entry.is_fallback = end.is_fallback;
  // What runs here runs on no node, whichever was tried before.
  const bool is_here = ran == CallRecord::Ran::locally;
  entry.node = is_here || end.traces.empty() ? "" : end.traces.back().node;
  entry.reason = end.reason;
  entry.detail = end.detail;
  entry.when = unix_seconds();
  entry.pool = call.settings.pool;
  entry.begun = call.begun;
  entry.listing_begun = call.listing_begun;
  entry.listing_ended = call.listing_ended;
  entry.ended = reactor_->now();
  entry.wall = entry.ended - call.begun;
  entry.listing = call.listing;
  entry.traces = end.traces;
  const auto shared = std::make_shared<const CallRecord>(std::move(entry));
  history_.add(shared);
  if (metrics_) metrics_->ended(*shared);
  return builds_.add(call.run, shared);
}

// Nobody waits for it; destroying the call cancels it.
void Agent::forget(CallId id) {
  const auto node = calls_.extract(id);
  if (!node) return;
  node.mapped()->dropped = true;
  builds_.leave(node.mapped()->run, reactor_->now());
  node.mapped()->remote.reset();
}

void Agent::connection_closed(ConnectionId connection) {
  forget({connection, 0});
  sessions_->closed(connection);
  if (askers_.erase(connection) > 0) toolchains_->drop_unwanted();
}

}  // namespace kiln::client
