#include "worker/server/task_server.h"

#include <algorithm>
#include <utility>
#include <variant>

#include <sys/epoll.h>

#include "common/model/log_id.h"
#include "common/wire/codec.h"
#include "worker/server/make_result.h"
#include "worker/server/nodes_fault.h"
#include "worker/server/overloaded.h"
#include "worker/server/stage_step.h"

namespace kiln::worker {
namespace {

// stdout and stderr travel as frames of one message, which must stay below the sockets' limits.
constexpr std::uint64_t kStreamBytes = std::uint64_t{32} << 20U;

// Whatever a task said after a SIGTERM that was not meant for it, even that all went well: another
// node says what it would have said.
void disown_end(RunReport& report) {
  if (!report.terminated) return;
  if (report.outcome != Outcome::exited && report.outcome != Outcome::signalled) return;
  report.outcome = Outcome::cancelled;
  report.message = "ended by its worker's shutdown";
}

}  // namespace

TaskServer::TaskServer(const TaskServerParts& parts, const Options& options, Hooks hooks,
                       std::unique_ptr<net::Listener> listener)
    : parts_(parts),
      options_(options),
      hooks_(std::move(hooks)),
      listener_(std::move(listener)),
      table_(options.node, options.policy),
      stuck_(options.report_stuck, parts.reactor.now()),
      fleet_({parts.reactor, parts.pool, parts.removals, parts.stager, parts.host, parts.peers,
              parts.logs.executors, options.node.architecture},
             fleet_hooks()) {
  listener_->on_message(
      [this](const net::PeerId& peer, wire::Frames frames) { receive(peer, std::move(frames)); });
  listener_->on_disconnect([this](const net::PeerId& peer) { peer_gone(peer); });
}

TaskServer::~TaskServer() {
  parts_.reactor.unwatch_fd(parts_.host.fd());
  if (timer_ != 0) parts_.reactor.cancel(timer_);
}

void TaskServer::start() {
  const auto watched = parts_.reactor.watch_fd(
      parts_.host.fd(), EPOLLIN, [this](std::uint32_t) { parts_.host.on_readable(*this); });
  if (!watched) return hooks_.fatal(watched.error());
  carry_out(table_.start(parts_.reactor.now()));
}

Occupancy TaskServer::occupancy() const {
  Occupancy state = table_.occupancy(parts_.reactor.now());
  for (auto& task : state.tasks) {
    task.pid = pid_of(task.attempt);
    const auto job = jobs_.find(task.attempt);
    if (job == jobs_.end()) continue;
    task.build = job->second->run.build;
    task.client = job->second->run.client;
  }
  return state;
}

void TaskServer::set_draining(bool draining) {
  carry_out(table_.set_draining(draining, parts_.reactor.now()));
}

void TaskServer::drain(std::function<void()> idle) {
  idle_ = std::move(idle);
  set_draining(true);
}

void TaskServer::terminate() {
  fleet_.terminate_initialisers();
  carry_out(table_.terminate(parts_.reactor.now()));
}

void TaskServer::check_idle() {
  if (!idle_ || !jobs_.empty()) return;
  // Nobody waits for them any more; their end calls again, or the end of the grace time comes.
  if (fleet_.initialises()) return fleet_.terminate_initialisers();
  std::exchange(idle_, nullptr)();
}

// ---- Actions
// --------------------------------------------------------------------------------------

void TaskServer::carry_out(const Actions& actions) {
  for (const auto& action : actions) carry_out_one(action);
  if (std::exchange(report_due_, false)) hooks_.occupancy_changed();
  arm_timer();
  check_idle();
}

void TaskServer::carry_out_one(const Action& action) {
  if (carry_out_for_pool(action)) return;
  std::visit(Overloaded{
                 [this](const AnswerAccepted& a) {
                   send(a.peer, wire::Accepted{a.attempt, a.phase, a.position});
                 },
                 [this](const AnswerBusy& a) {
                   parts_.metrics.refused(a.reason);
                   parts_.logs.tasks.debug("task_refused",
                                           {{"attempt", log_id(a.attempt)}, {"reason", a.reason}});
                   send(a.peer, wire::Busy{a.attempt, a.reason});
                 },
                 [this](const AnswerUnknown& a) { send(a.peer, wire::Unknown{a.attempt}); },
                 [this](const BeginStaging& a) { stage(a.attempt); },
                 [this](const StartTask& a) { start_task(a.attempt, a.place); },
                 [this](const StopTask& a) { stop_task(a); },
                 [this](const TerminateTask& a) {
                   if (const auto executor = fleet_.on(a.place)) parts_.host.terminate(*executor);
                 },
                 [this](const SendResult& a) { send_result(a.peer, a.attempt); },
                 [this](const ResultWithoutRun& a) {
                   const auto job = jobs_.at(a.attempt);
                   if (!job->in_pool) job->let_go_of_inputs();
                   job->result = result_without_run(a.attempt, a.outcome, a.message);
                   job->completed = parts_.reactor.now();
                   parts_.metrics.ended(job->result->message.result);
                   log_end(job->result->message);
                 },
                 [this](const Forget& a) { forget(a.attempt); },
                 [this](const OccupancyChanged&) { report_due_ = true; },
                 [](const auto&) {},
             },
             action);
}

void TaskServer::stop_task(const StopTask& stop) {
  const auto job = jobs_.at(stop.attempt);
  job->stopped = true;
  drop_needs(stop.attempt);
  const auto executor = fleet_.on(stop.place);
  if (stop.running && executor) parts_.host.cancel(*executor);
}

void TaskServer::arm_timer() {
  if (timer_ != 0) parts_.reactor.cancel(std::exchange(timer_, 0));
  auto deadline = table_.next_deadline();
  const auto look = stuck_.next_deadline();
  if (look) deadline = deadline ? std::min(*deadline, *look) : *look;
  if (!deadline) return;
  timer_ = parts_.reactor.call_at(*deadline, [this] {
    timer_ = 0;
    report_stuck();
    carry_out(table_.tick(parts_.reactor.now()));
  });
}

void TaskServer::forget(const AttemptId& attempt) {
  drop_needs(attempt);
  jobs_.erase(attempt);
}

// ---- Staging
// ----------------------------------------------------------------------------------------

void TaskServer::stage(const AttemptId& attempt) {
  const auto job = jobs_.at(attempt);
  if (const auto since = std::exchange(job->asked_since, std::nullopt))
    job->transfer += parts_.reactor.now() - *since;
  auto outcome = std::make_shared<Result<StageOutcome>>();
  job->in_pool = true;
  parts_.reactor.offload(
      parts_.pool,
      [&store = parts_.store, &stager = parts_.stager, job, outcome] {
        *outcome = stage_step(*job, store, stager);
      },
      [this, job, outcome, attempt] {
        job->in_pool = false;
        if (job->stopped) return job->let_go_of_inputs();
        if (!*outcome) return staging_failed(attempt, outcome->error());
        if (!(*outcome)->complete)
          return fetch_missing(attempt, job, (*outcome)->missing_toolchain,
                               (*outcome)->missing_inputs);
        const TimePoint now = parts_.reactor.now();
        parts_.metrics.staged(in_seconds(now - job->accepted), in_seconds(job->transfer));
        parts_.logs.staging.debug("task_staged", {{"attempt", log_id(attempt)},
                                                  {"seconds", in_seconds(now - job->accepted)}});
        carry_out(table_.staged(attempt, job->toolchain_was_there, now));
      });
}

void TaskServer::fetch_missing(const AttemptId& attempt, const JobPtr& job,
                               const std::vector<Digest>& toolchain,
                               const std::vector<Digest>& inputs) {
  // Others that wait for the same must not wait for an answer that does not come.
  job->asked_since = parts_.reactor.now();
  job->parked = job->orphaned;
  if (job->parked) return;
  std::vector<Digest> all = toolchain;
  for (const auto& digest : inputs) {
    if (std::find(toolchain.begin(), toolchain.end(), digest) == toolchain.end())
      all.push_back(digest);
  }
  const auto unasked = needs_.wait(attempt, all);
  std::vector<Digest> of_peers;
  std::vector<Digest> of_agent;
  for (const auto& digest : unasked) {
    const bool shared = !job->run.toolchain_sources.empty() &&
                        std::find(toolchain.begin(), toolchain.end(), digest) != toolchain.end();
    (shared ? of_peers : of_agent).push_back(digest);
  }
  if (!of_agent.empty()) ask_agent(attempt, of_agent);
  if (!of_peers.empty()) ask_peers(attempt, job, of_peers);
}

void TaskServer::ask_peers(const AttemptId& attempt, const JobPtr& job,
                           const std::vector<Digest>& digests) {
  for (const auto& digest : digests) {
    fetching_.insert(digest);
    parts_.peers.fetch(digest, job->run.toolchain_sources,
                       [this, attempt, digest](const Status& got) {
                         fetching_.erase(digest);
                         if (got) return blob_arrived(digest);
                         if (needs_.waits_for(attempt, digest)) ask_agent(attempt, {digest});
                       });
  }
}

void TaskServer::ask_agent(const AttemptId& attempt, const std::vector<Digest>& digests) {
  const auto job = jobs_.find(attempt);
  if (job == jobs_.end()) return;
  parts_.logs.staging.debug("blobs_needed",
                            {{"attempt", log_id(attempt)}, {"blobs", digests.size()}});
  send(job->second->peer, wire::Need{attempt, digests});
}

void TaskServer::blob_arrived(const Digest& digest) {
  const TimePoint now = parts_.reactor.now();
  // Only theirs: an agent that supplies nothing must not live on what others get.
  for (const auto& attempt : needs_.waiters(digest)) table_.staging_progress(attempt, now);
  for (const auto& attempt : needs_.arrived(digest)) stage(attempt);
}

// Whatever else is wrong with a blob is its sender's fault, who is told by the transfer's end and
// may send it again.
void TaskServer::blob_failed(const Digest& digest, const Error& error) {
  if (!is_nodes_fault(error)) return;
  const Error reason = error.within("cannot store the blob " + digest.short_hex());
  for (const auto& attempt : needs_.waiters(digest)) staging_failed(attempt, reason);
}

// What others wait for too is asked of them now; the agent may come back within keep_silent.
void TaskServer::peer_gone(const net::PeerId& peer) {
  for (const auto& [attempt, job] : jobs_) {
    if (job->peer != peer) continue;
    job->orphaned = true;
    for (const auto& [other, digests] : needs_.yield(attempt)) ask_agent(other, digests);
  }
  carry_out(table_.peer_gone(peer, parts_.reactor.now()));
}

void TaskServer::drop_needs(const AttemptId& attempt) {
  for (const auto& [other, digests] : needs_.drop(attempt)) ask_agent(other, digests);
}

void TaskServer::staging_failed(const AttemptId& attempt, const Error& error) {
  parts_.logs.staging.warning("staging_failed", {{"attempt", log_id(attempt)}, {"error", error}});
  if (const auto job = jobs_.find(attempt); job != jobs_.end()) job->second->stopped = true;
  drop_needs(attempt);
  carry_out(
      table_.staging_failed(attempt, error.message, is_nodes_fault(error), parts_.reactor.now()));
}

// ---- Running
// ----------------------------------------------------------------------------------------

void TaskServer::start_task(const AttemptId& attempt, PlaceId place) {
  const auto job = jobs_.at(attempt);
  job->started = parts_.reactor.now();
  const Task& task = job->run.task;
  RunRequest request;
  request.attempt = attempt;
  request.program = task.program;
  request.argv = task.argv;
  request.environment = task.environment;
  request.cwd = task.cwd;
  request.umask = task.umask;
  request.lowers = job->inputs->lowers;
  for (const auto& lower : job->toolchain->lowers) request.lowers.push_back(lower);
  request.outputs = task.outputs;
  request.limits = bounded(task.limits, fleet_.limits(job->run.lease.pool));
  request.stream_bytes = kStreamBytes;
  const auto started = parts_.host.run(fleet_.on(place).value_or(ExecutorId{}), request);
  if (started) {
    return parts_.logs.tasks.debug("task_started", {{"attempt", log_id(attempt)},
                                                    {"lease", log_id(job->run.lease.id)},
                                                    {"pool", job->run.lease.pool},
                                                    {"place", place}});
  }
  RunReport report;
  report.attempt = attempt;
  report.outcome = Outcome::not_started;
  report.message = started.error().message;
  report.nodes_fault = started.error().code != Errc::invalid_argument;
  finish(job, std::move(report));
}

void TaskServer::task_finished(ExecutorId, RunReport report) {
  if (fleet_.task_finished(report)) return;
  const auto found = jobs_.find(report.attempt);
  if (found == jobs_.end()) return remove_workspace(report.workspace);
  disown_end(report);
  const AttemptId attempt = report.attempt;
  const Outcome outcome = report.outcome;
  finish(found->second, std::move(report));
  // A lost executor's slot is free when executor_died, too, was heard, or the result is complete.
  if (outcome == Outcome::executor_lost) return;
  carry_out(table_.slot_freed(attempt, outcome, parts_.reactor.now()));
}

void TaskServer::finish(const JobPtr& job, RunReport report) {
  job->forked = report.forked;
  auto shared = std::make_shared<RunReport>(std::move(report));
  job->in_pool = true;
  parts_.reactor.offload(
      parts_.pool,
      [&store = parts_.store, job, shared] { job->result = make_result(*job, *shared, store); },
      [this, job, shared] {
        job->in_pool = false;
        const StoredResult& result = *job->result;
        const TaskEnding end{result.message.result.outcome, result.nodes_fault, result.bytes()};
        job->completed = parts_.reactor.now();
        log_end(result.message);
        // First of all the result is sent.
        carry_out(table_.finished(result.message.attempt, end, parts_.reactor.now()));
        parts_.metrics.ended(result.message.result);
        parts_.pool_metrics.ended(job->run.lease.pool, in_seconds(job->started - job->accepted),
                                  job->forked);
        job->inputs.reset();
        job->toolchain.reset();
        remove_workspace(shared->workspace);
      });
}

// A command's own end is nobody's trouble.
void TaskServer::log_end(const wire::RunResult& end) const {
  const bool is_trouble =
      end.result.outcome == Outcome::executor_lost || end.result.outcome == Outcome::not_started;
  const auto& log = parts_.logs.tasks;
  if (is_trouble) {
    return log.warning("task_ended", {{"attempt", log_id(end.attempt)},
                                      {"outcome", name(end.result.outcome)},
                                      {"reason", end.result.message}});
  }
  log.debug("task_ended", {{"attempt", log_id(end.attempt)},
                           {"outcome", name(end.result.outcome)},
                           {"exit_code", end.result.exit_code},
                           {"signal", end.result.signal},
                           {"run_us", end.result.usage.run_us}});
}

// After the result is on its way: nobody waits for this.
void TaskServer::remove_workspace(const std::filesystem::path& workspace) {
  struct Removal {
    Status status;
    Duration took{};
  };
  auto removal = std::make_shared<Removal>();
  parts_.reactor.offload(
      parts_.removals,
      [workspace, removal] {
        const auto begin = Clock::now();
        removal->status = release(workspace);
        removal->took = Clock::now() - begin;
      },
      [this, removal] {
        parts_.metrics.removed(std::chrono::duration<double>(removal->took).count());
        const auto& status = removal->status;
        if (!status)
          parts_.logs.staging.warning("workspace_not_removed", {{"error", status.error()}});
      });
}

void TaskServer::host_failed(Error reason) {
  hooks_.fatal(reason);
}

}  // namespace kiln::worker
