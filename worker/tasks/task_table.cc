#include "worker/tasks/task_table.h"

#include <algorithm>
#include <utility>

namespace kiln::worker {
namespace {

using Verdict = NodeHealth::Verdict;

bool is_own_doing(Outcome outcome) {
  return outcome == Outcome::exited || outcome == Outcome::signalled;
}

Verdict verdict_of(const TaskEnding& end) {
  switch (end.outcome) {
    case Outcome::exited:
    case Outcome::signalled:
    case Outcome::time_limit:
    case Outcome::memory_limit:
    case Outcome::output_limit:
      return Verdict::works;
    case Outcome::executor_lost:
      return Verdict::fails;
    case Outcome::cancelled:
      return Verdict::nothing;
    case Outcome::not_started:
      return end.nodes_fault ? Verdict::fails : Verdict::nothing;
  }
  return Verdict::nothing;
}

}  // namespace

TaskTable::TaskTable(const NodeFacts& node, const TablePolicy& policy)
    : policy_(policy),
      slots_(node.slots),
      pools_(node, policy.pools),
      leases_(policy.keep_tombstone),
      tombstones_(policy.keep_tombstone, policy.tombstones),
      health_(policy.health) {}

Actions TaskTable::start(TimePoint now) {
  return decide(Tell::nothing, now, [&](PoolActions& out) { pools_.start(now, out); });
}

std::uint32_t TaskTable::unfinished() const {
  return static_cast<std::uint32_t>(
      std::count_if(entries_.begin(), entries_.end(),
                    [](const auto& item) { return item.second.phase != TaskPhase::returning; }));
}

// Why a new attempt under `lease` is not taken; nothing when it is. Registers the lease.
std::optional<std::string> TaskTable::refusal(const Lease& lease, bool lease_valid, TimePoint now) {
  if (draining_) return "draining";
  if (!lease_valid) return "bad_lease";
  if (auto reason = leases_.refusal(lease, now)) return reason;
  const bool is_full = pools_.demand(lease.pool) >= 2 * pools_.capacity(lease.pool);
  auto pool_refusal = pools_.refusal(lease.pool);
  if (pool_refusal == "no_pool") return pool_refusal;
  if (unfinished() >= 2 * slots_ || is_full) return "no_slot";
  if (held_bytes_ >= policy_.held_result_bytes) return "queue_full";
  if (!health_.takes(now)) return "broken";
  return pool_refusal;
}

// An attempt id that was seen before is answered with its state and never run again.
bool TaskTable::answer_known(const Peer& peer, const AttemptId& attempt, Actions& out) {
  const auto found = entries_.find(attempt);
  if (found == entries_.end()) return false;
  Entry& entry = found->second;
  entry.peer = peer;
  entry.gone_deadline.reset();
  if (entry.ended) {
    out.emplace_back(SendResult{peer, attempt});
  } else {
    out.emplace_back(AnswerAccepted{peer, attempt, entry.phase, position_of(attempt)});
  }
  return true;
}

Actions TaskTable::run(const Peer& peer, const Lease& lease, bool lease_valid,
                       const AttemptId& attempt, const std::string& label, TimePoint now) {
  Actions out;
  if (answer_known(peer, attempt, out)) return out;
  if (tombstones_.contains(attempt)) {
    out.emplace_back(AnswerBusy{peer, attempt, "cancelled"});
    return out;
  }
  if (const auto reason = refusal(lease, lease_valid, now)) {
    out.emplace_back(AnswerBusy{peer, attempt, *reason});
    return out;
  }
  leases_.begin(lease.id, attempt);
  PoolActions changes;
  Entry entry;
  entry.peer = peer;
  entry.lease = lease.id;
  entry.label = label;
  entry.pool = lease.pool;
  entry.accepted = entry.since = now;
  entry.deadline = now + policy_.staging_limit;
  entry.first = pools_.task_came(lease.pool, now, changes);
  entries_.emplace(attempt, std::move(entry));
  health_.accepted(attempt);
  out.emplace_back(AnswerAccepted{peer, attempt, TaskPhase::staging, 0});
  out.emplace_back(BeginStaging{attempt});
  out.emplace_back(OccupancyChanged{});
  pools_changed(std::move(changes), now, out);
  return out;
}

Actions TaskTable::ack(const AttemptId& attempt, TimePoint now) {
  Actions out;
  const auto found = entries_.find(attempt);
  if (found != entries_.end() && found->second.ended) forget(attempt, now, out);
  return out;
}

Actions TaskTable::cancel(const AttemptId& attempt, TimePoint now) {
  Actions out;
  const auto found = entries_.find(attempt);
  if (found == entries_.end()) {
    tombstones_.bury(attempt, now);  // CANCEL may overtake its RUN
    return out;
  }
  stop(attempt, found->second, now, out);
  return out;
}

Actions TaskTable::reclaim(const Peer& peer, const AttemptId& attempt, TimePoint) {
  Actions out;
  if (!answer_known(peer, attempt, out)) out.emplace_back(AnswerUnknown{peer, attempt});
  return out;
}

Actions TaskTable::peer_gone(const Peer& peer, TimePoint now) {
  for (auto& [attempt, entry] : entries_) {
    if (entry.peer == peer && !entry.gone_deadline) entry.gone_deadline = now + policy_.keep_silent;
  }
  return {};
}

void TaskTable::staging_progress(const AttemptId& attempt, TimePoint now) {
  const auto found = entries_.find(attempt);
  if (found != entries_.end() && found->second.phase == TaskPhase::staging) {
    found->second.deadline = now + policy_.staging_limit;
  }
}

Actions TaskTable::staged(const AttemptId& attempt, bool toolchain_was_there, TimePoint now) {
  Actions out;
  const auto found = entries_.find(attempt);
  if (found == entries_.end() || found->second.phase != TaskPhase::staging) return out;
  found->second.phase = TaskPhase::queued;
  found->second.since = now;
  found->second.cold = !toolchain_was_there;
  queue_.push_back(attempt);
  dispatch(now, out);
  end_hopeless(now, out);
  return out;
}

Actions TaskTable::staging_failed(const AttemptId& attempt, const std::string& reason,
                                  bool nodes_fault, TimePoint now) {
  Actions out;
  const auto found = entries_.find(attempt);
  if (found == entries_.end() || found->second.phase != TaskPhase::staging) return out;
  const auto verdict = nodes_fault ? Verdict::fails : Verdict::nothing;
  end_without_run(attempt, Outcome::not_started, reason, verdict, now, out);
  return out;
}

void TaskTable::leave_place(const AttemptId& attempt, Entry& entry, Outcome outcome,
                            TimePoint now) {
  if (!entry.place) return;
  const auto running = running_.find(*std::exchange(entry.place, std::nullopt));
  // The executor may be lost, and a new one have another task, before the result is complete.
  if (running == running_.end() || running->second != attempt) return;
  pools_.release(running->first, is_own_doing(outcome), now);
  running_.erase(running);
}

// The attempt does not need its pool any more.
void TaskTable::return_result(Entry& entry, TimePoint now, Actions& out) {
  if (entry.phase == TaskPhase::returning) return;
  auto* counters = entry.phase == TaskPhase::running ? pools_.counters(entry.pool) : nullptr;
  if (counters != nullptr) counters->task_ended(entry.first, now - entry.accepted);
  entry.phase = TaskPhase::returning;
  entry.since = now;
  PoolActions changes;
  pools_.task_left(entry.pool, now, changes);
  for (auto& change : changes) {
    std::visit([&out](auto& action) { out.emplace_back(std::move(action)); }, change);
  }
}

Actions TaskTable::slot_freed(const AttemptId& attempt, Outcome outcome, TimePoint now) {
  Actions out;
  const auto found = entries_.find(attempt);
  if (found == entries_.end() || found->second.phase != TaskPhase::running) return out;
  leave_place(attempt, found->second, outcome, now);
  return_result(found->second, now, out);
  out.emplace_back(OccupancyChanged{});
  dispatch(now, out);
  return out;
}

Actions TaskTable::finished(const AttemptId& attempt, const TaskEnding& end, TimePoint now) {
  Actions out;
  const auto found = entries_.find(attempt);
  if (found == entries_.end() || found->second.ended) return out;
  Entry& entry = found->second;
  leave_place(attempt, entry, end.outcome, now);
  entry.result_bytes = end.result_bytes;
  held_bytes_ += end.result_bytes;
  complete(attempt, entry, !is_own_doing(end.outcome), verdict_of(end), now, out);
  dispatch(now, out);
  return out;
}

// Tasks that no executor will ever come for. Those that are staging when the default pool breaks
// may see it heal.
void TaskTable::end_hopeless(TimePoint now, Actions& out) {
  std::vector<AttemptId> hopeless;
  for (const auto& [attempt, entry] : entries_) {
    const bool waits = entry.phase == TaskPhase::queued ||
                       (entry.phase == TaskPhase::staging && entry.pool != kDefaultPool);
    if (waits && pools_.refusal(entry.pool)) hopeless.push_back(attempt);
  }
  for (const auto& attempt : hopeless) {
    const Entry& entry = entries_.at(attempt);
    if (entry.phase == TaskPhase::staging) out.emplace_back(StopTask{attempt, false, 0});
    end_without_run(attempt, Outcome::not_started, pools_.explain(entry.pool), Verdict::nothing,
                    now, out);
  }
}

Actions TaskTable::set_draining(bool draining, TimePoint) {
  draining_ = draining;
  Actions out;
  out.emplace_back(OccupancyChanged{});
  return out;
}

Actions TaskTable::terminate(TimePoint now) {
  Actions out;
  for (auto& [attempt, entry] : entries_) {
    if (entry.phase == TaskPhase::running) {
      if (entry.place) out.emplace_back(TerminateTask{attempt, *entry.place});
    } else {
      stop(attempt, entry, now, out);
    }
  }
  return out;
}

void TaskTable::end_without_run(const AttemptId& attempt, Outcome outcome,
                                const std::string& message, Verdict verdict, TimePoint now,
                                Actions& out) {
  Entry& entry = entries_.at(attempt);
  std::erase(queue_, attempt);
  out.emplace_back(ResultWithoutRun{attempt, outcome, message});
  complete(attempt, entry, true, verdict, now, out);
}

void TaskTable::complete(const AttemptId& attempt, Entry& entry, bool failed, Verdict verdict,
                         TimePoint now, Actions& out) {
  health_.ended(attempt, verdict, now);
  return_result(entry, now, out);
  entry.ended = true;
  entry.since = now;
  entry.deadline = now + policy_.keep_result;
  ++completed_;
  if (failed) ++failed_;
  leases_.end(entry.lease, attempt);
  if (!entry.gone_deadline) out.emplace_back(SendResult{entry.peer, attempt});
  out.emplace_back(OccupancyChanged{});
}

void TaskTable::forget(const AttemptId& attempt, TimePoint now, Actions& out) {
  out.emplace_back(Forget{attempt});
  const auto found = entries_.find(attempt);
  held_bytes_ -= found->second.result_bytes;
  entries_.erase(found);
  tombstones_.bury(attempt, now);
}

void TaskTable::stop(const AttemptId& attempt, Entry& entry, TimePoint now, Actions& out) {
  if (entry.phase == TaskPhase::returning || entry.cancelled) return;
  entry.cancelled = true;
  const bool running = entry.phase == TaskPhase::running;
  out.emplace_back(StopTask{attempt, running && entry.place, entry.place.value_or(0)});
  if (running) return;
  end_without_run(attempt, Outcome::cancelled, "cancelled before it ran", Verdict::nothing, now,
                  out);
}

void TaskTable::dispatch(TimePoint now, Actions& out) {
  for (auto at = queue_.begin(); at != queue_.end() && running_.size() < slots_;) {
    const AttemptId attempt = *at;
    const auto taken = pools_.take(entries_.at(attempt).pool);
    if (!taken) {
      ++at;
      continue;
    }
    at = queue_.erase(at);
    start_on(attempt, *taken, now, out);
  }
}

void TaskTable::start_on(const AttemptId& attempt, const PoolExecutors::Taken& taken, TimePoint now,
                         Actions& out) {
  Entry& entry = entries_.at(attempt);
  entry.phase = TaskPhase::running;
  entry.since = now;
  entry.place = taken.place;
  running_[taken.place] = attempt;
  const bool found_warm = taken.ready_since <= entry.accepted && !entry.cold;
  if (auto* counters = pools_.counters(entry.pool)) counters->task_started(found_warm);
  out.emplace_back(StartTask{attempt, taken.place});
  out.emplace_back(OccupancyChanged{});
  out.emplace_back(PoolChanged{entry.pool});
}

void TaskTable::expire_entries(TimePoint now, Actions& out) {
  std::vector<AttemptId> due;
  for (const auto& [attempt, entry] : entries_) {
    const bool impatient = entry.phase == TaskPhase::staging || entry.ended;
    if ((impatient && now >= entry.deadline) ||
        (entry.gone_deadline && now >= *entry.gone_deadline))
      due.push_back(attempt);
  }
  for (const auto& attempt : due) {
    Entry& entry = entries_.at(attempt);
    if (entry.ended) {
      forget(attempt, now, out);
    } else if (entry.gone_deadline && now >= *entry.gone_deadline) {
      entry.gone_deadline = now + policy_.keep_silent;
      stop(attempt, entry, now, out);
    } else {
      out.emplace_back(StopTask{attempt, false, 0});
      end_without_run(attempt, Outcome::not_started, "its inputs did not arrive in time",
                      Verdict::nothing, now, out);
    }
  }
}

Actions TaskTable::tick(TimePoint now) {
  Actions out;
  expire_entries(now, out);
  leases_.expire(now);
  tombstones_.expire(now);
  PoolActions changes;
  pools_.tick(now, changes);
  pools_changed(std::move(changes), now, out);
  if (health_.rest_ended(now)) out.emplace_back(OccupancyChanged{});
  return out;
}

std::optional<TimePoint> TaskTable::next_deadline() const {
  std::optional<TimePoint> next;
  const auto consider = [&next](std::optional<TimePoint> at) {
    if (at) next = next ? std::min(*next, *at) : *at;
  };
  for (const auto& [attempt, entry] : entries_) {
    if (entry.phase == TaskPhase::staging || entry.ended) consider(entry.deadline);
    consider(entry.gone_deadline);
  }
  consider(pools_.next_deadline());
  consider(health_.next_deadline());
  consider(leases_.next_deadline());
  consider(tombstones_.next_deadline());
  return next;
}

std::uint32_t TaskTable::position_of(const AttemptId& attempt) const {
  const auto found = std::find(queue_.begin(), queue_.end(), attempt);
  return found == queue_.end() ? 0 : static_cast<std::uint32_t>(found - queue_.begin()) + 1;
}

TaskStatus TaskTable::status_of(const AttemptId& attempt, const Entry& entry, TimePoint now) {
  const auto since = [now](TimePoint then) { return microseconds_of(now - then) / 1000; };
  TaskStatus status;
  status.attempt = attempt;
  status.label = entry.label;
  status.phase = entry.phase;
  status.phase_ms = since(entry.since);
  status.pool = entry.pool;
  status.age_ms = since(entry.accepted);
  return status;
}

Occupancy TaskTable::occupancy(TimePoint now) const {
  Occupancy state;
  state.draining = draining_ || pools_.default_is_broken() || !health_.takes(now);
  state.completed = completed_;
  state.failed = failed_;
  state.running = static_cast<std::uint32_t>(running_.size());
  // What is ready beyond the free slots cannot be used.
  state.ready = std::min(pools_.ready(), slots_ - state.running);
  for (const auto& [attempt, entry] : entries_) {
    if (entry.phase == TaskPhase::staging || entry.phase == TaskPhase::queued) ++state.queued;
    state.tasks.push_back(status_of(attempt, entry, now));
  }
  return state;
}

std::optional<PlaceId> TaskTable::place_of(const AttemptId& attempt) const {
  const auto found = entries_.find(attempt);
  return found == entries_.end() ? std::nullopt : found->second.place;
}

std::vector<TaskStatus> TaskTable::unfinished_tasks(TimePoint now) const {
  std::vector<TaskStatus> tasks;
  for (const auto& [attempt, entry] : entries_) {
    if (!entry.ended) tasks.push_back(status_of(attempt, entry, now));
  }
  return tasks;
}

bool TaskTable::idle() const {
  return unfinished() == 0;
}

std::uint32_t TaskTable::broken_slots() const {
  return pools_.counts(kDefaultPool).broken;
}

}  // namespace kiln::worker
