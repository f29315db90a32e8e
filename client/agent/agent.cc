#include "client/agent/agent.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "client/agent/spool.h"
#include "client/paths/paths.h"
#include "client/paths/user.h"
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

std::string this_user(const Environment& environment) {
  const auto passwd = read_file("/etc/passwd");
  return user_name(environment, ::getuid(), passwd ? *passwd : std::string());
}

}  // namespace

Result<std::unique_ptr<Agent>> Agent::create(const Environment& environment) {
  KILN_TRY_ASSIGN(auto settings, load_client_settings(environment));
  KILN_TRY_ASSIGN(auto options, agent_settings(settings, environment));
  if (const auto made = make_directories(options.cache); !made)
    return fail(made.error().within("KILN_CACHE_DIR"));
  KILN_TRY_ASSIGN(const auto log, Logger::open(options.log));
  std::unique_ptr<Agent> agent(
      new Agent(environment, std::move(settings), std::move(options), log));
  KILN_TRY(agent->open());
  return agent;
}

Agent::Agent(Environment environment, config::Settings settings, AgentSettings options,
             const Logger& log)
    : environment_(std::move(environment)),
      settings_(std::move(settings)),
      options_(std::move(options)),
      logs_(log),
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
  log_desk_.reset();
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
  KILN_TRY(reactor_->watch_signals({SIGTERM, SIGINT, SIGHUP}, [this](int number) {
    if (number == SIGHUP) return net::reopen_log(logs_.main);
    begin_stop();
  }));
  log_desk_ = std::make_unique<net::LogDesk>(*reactor_, logs_.main);
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
  KILN_TRY_ASSIGN(server_,
                  CallServer::listen(*reactor_, socket_, logs_.calls, std::move(handlers)));
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
      *reactor_, *context_, logs_.coordinator,
      wire::ClientHello{epoch, host_name(), this_user(environment_), std::string(kVersion)},
      std::move(handlers));
  leases_ = std::make_unique<LeaseDesk>(*reactor_, *farm_, BookPolicy{}, logs_.leases);
  const net::BulkParts parts{*reactor_, *context_, *io_, uploads_, *sink_};
  WorkerRoutes::Options routes{options_.route, options_.coordinators, {}};
  if (options_.key) routes.socket.peer_keys = options_.key->coordinators;
  workers_ = std::make_unique<WorkerPool>(
      parts, logs_.workers, wire::PeerHello{epoch, host_name(), std::string(kVersion)},
      std::move(routes), [this](const std::string& worker) { leases_->drop_worker(worker); });
  access_ = std::make_unique<FarmAccess>(FarmAccess{
      *reactor_, *io_, *leases_, *workers_, uploads_, *spool_, logs_, epoch, 0,
      host_name() + "-" + std::to_string(::getpid()), this_user(environment_) + "@" + host_name()});
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
    logs_.main.warning("metrics_not_served",
                       {{"address", options_.metrics}, {"error", served.error()}});
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
  logs_.main.info(
      "serving",
      {{"socket", socket_}, {"version", kVersion}, {"client", LogId{access_->client_epoch, 0}}});
  check_idle();
  reactor_->run();
  leases_->release_all();
  logs_.main.info("ended");
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
    logs_.main.info("idle");
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

void Agent::connection_closed(ConnectionId connection) {
  forget({connection, 0});
  sessions_->closed(connection);
  if (askers_.erase(connection) > 0) toolchains_->drop_unwanted();
}

}  // namespace kiln::client
