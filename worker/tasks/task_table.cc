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

TaskTable::TaskTable(std::uint32_t slots, TablePolicy policy)
    : policy_(policy), slots_(slots), health_(policy.health) {}

Actions TaskTable::start(TimePoint) {
  Actions out;
  for (SlotId slot = 0; slot < slots_.size(); ++slot) out.emplace_back(CreateExecutor{slot});
  return out;
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
  const auto [found, is_new] = leases_.try_emplace(lease.id);
  LeaseState& state = found->second;
  if (is_new) {
    state.left = lease.tasks;
    state.expires = now + milliseconds(lease.lifetime_ms);
  }
  if (now >= state.expires) return "lease_expired";
  if (state.left == 0) return "lease_used";
  if (state.current) return "lease_in_use";
  if (unfinished() >= 2 * slots_.size()) return "no_slot";
  if (held_bytes_ >= policy_.held_result_bytes) return "queue_full";
  if (broken_slots() == slots_.size() || !health_.takes(now)) return "broken";
  return std::nullopt;
}

// An attempt id that was seen before is answered with its state and never run again.
bool TaskTable::answer_known(const Peer& peer, const AttemptId& attempt, TimePoint, Actions& out) {
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
  if (answer_known(peer, attempt, now, out)) return out;
  if (tombstones_.contains(attempt)) {
    out.emplace_back(AnswerBusy{peer, attempt, "cancelled"});
    return out;
  }
  if (const auto reason = refusal(lease, lease_valid, now)) {
    out.emplace_back(AnswerBusy{peer, attempt, *reason});
    return out;
  }
  LeaseState& state = leases_.at(lease.id);
  --state.left;
  state.current = attempt;
  Entry entry;
  entry.peer = peer;
  entry.lease = lease.id;
  entry.label = label;
  entry.since = now;
  entry.deadline = now + policy_.staging_limit;
  entries_.emplace(attempt, std::move(entry));
  health_.accepted(attempt);
  out.emplace_back(AnswerAccepted{peer, attempt, TaskPhase::staging, 0});
  out.emplace_back(BeginStaging{attempt});
  out.emplace_back(OccupancyChanged{});
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
    bury(attempt, now);  // CANCEL may overtake its RUN
    return out;
  }
  stop(attempt, found->second, now, out);
  return out;
}

Actions TaskTable::reclaim(const Peer& peer, const AttemptId& attempt, TimePoint now) {
  Actions out;
  if (!answer_known(peer, attempt, now, out)) out.emplace_back(AnswerUnknown{peer, attempt});
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

Actions TaskTable::staged(const AttemptId& attempt, TimePoint now) {
  Actions out;
  const auto found = entries_.find(attempt);
  if (found == entries_.end() || found->second.phase != TaskPhase::staging) return out;
  found->second.phase = TaskPhase::queued;
  found->second.since = now;
  queue_.push_back(attempt);
  dispatch(now, out);
  if (broken_slots() == slots_.size()) end_queued(now, out);
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

void TaskTable::leave_slot(const AttemptId& attempt, Entry& entry, Outcome outcome) {
  if (!entry.slot) return;
  Slot& slot = slots_.at(*std::exchange(entry.slot, std::nullopt));
  // The executor may be lost, and a new one have another task, before the result is complete.
  if (slot.attempt != attempt) return;
  slot.attempt.reset();
  if (slot.state == SlotState::busy) slot.state = SlotState::ready;
  if (is_own_doing(outcome)) slot.failures = 0;
}

Actions TaskTable::slot_freed(const AttemptId& attempt, Outcome outcome, TimePoint now) {
  Actions out;
  const auto found = entries_.find(attempt);
  if (found == entries_.end() || found->second.phase != TaskPhase::running) return out;
  leave_slot(attempt, found->second, outcome);
  found->second.phase = TaskPhase::returning;
  found->second.since = now;
  out.emplace_back(OccupancyChanged{});
  dispatch(now, out);
  return out;
}

Actions TaskTable::finished(const AttemptId& attempt, const TaskEnding& end, TimePoint now) {
  Actions out;
  const auto found = entries_.find(attempt);
  if (found == entries_.end() || found->second.ended) return out;
  Entry& entry = found->second;
  leave_slot(attempt, entry, end.outcome);
  entry.result_bytes = end.result_bytes;
  held_bytes_ += end.result_bytes;
  complete(attempt, entry, !is_own_doing(end.outcome), verdict_of(end), now, out);
  dispatch(now, out);
  return out;
}

Actions TaskTable::executor_ready(SlotId id, TimePoint now) {
  Actions out;
  Slot& slot = slots_.at(id);
  slot.state = SlotState::ready;
  out.emplace_back(OccupancyChanged{});
  dispatch(now, out);
  return out;
}

Actions TaskTable::executor_lost(SlotId id, TimePoint now) {
  Actions out;
  Slot& slot = slots_.at(id);
  // Its task goes on only as a result to be completed: what the slot does next is not its own.
  if (slot.attempt) {
    const auto entry = entries_.find(*std::exchange(slot.attempt, std::nullopt));
    if (entry != entries_.end()) entry->second.slot.reset();
  }
  ++slot.failures;
  if (slot.failures >= policy_.strikes) {
    slot.state = SlotState::broken;
    slot.restart_at = now + doubled(policy_.health.first_rest, slot.failures - policy_.strikes,
                                    policy_.health.longest_rest);
  } else {
    slot.state = SlotState::waiting_restart;
    slot.restart_at = now + policy_.restart_delay * (1U << (slot.failures - 1));
  }
  out.emplace_back(OccupancyChanged{});
  if (broken_slots() == slots_.size()) end_queued(now, out);
  return out;
}

// No slot will ever come free for those that wait for one.
void TaskTable::end_queued(TimePoint now, Actions& out) {
  while (!queue_.empty()) {
    end_without_run(AttemptId(queue_.front()), Outcome::not_started,
                    "every executor of the worker is broken", Verdict::nothing, now, out);
  }
}

Actions TaskTable::set_draining(bool draining, TimePoint) {
  draining_ = draining;
  Actions out;
  out.emplace_back(OccupancyChanged{});
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
  entry.ended = true;
  entry.phase = TaskPhase::returning;
  entry.since = now;
  entry.deadline = now + policy_.keep_result;
  ++completed_;
  if (failed) ++failed_;
  const auto lease = leases_.find(entry.lease);
  if (lease != leases_.end() && lease->second.current == attempt) lease->second.current.reset();
  if (!entry.gone_deadline) out.emplace_back(SendResult{entry.peer, attempt});
  out.emplace_back(OccupancyChanged{});
}

void TaskTable::forget(const AttemptId& attempt, TimePoint now, Actions& out) {
  out.emplace_back(Forget{attempt});
  const auto found = entries_.find(attempt);
  held_bytes_ -= found->second.result_bytes;
  entries_.erase(found);
  bury(attempt, now);
}

void TaskTable::bury(const AttemptId& attempt, TimePoint now) {
  const TimePoint until = now + policy_.keep_tombstone;
  if (!tombstones_.emplace(attempt, until).second) return;
  tombstone_order_.emplace_back(until, attempt);
  while (tombstone_order_.size() > policy_.tombstones) {
    tombstones_.erase(tombstone_order_.front().second);
    tombstone_order_.pop_front();
  }
}

void TaskTable::stop(const AttemptId& attempt, Entry& entry, TimePoint now, Actions& out) {
  if (entry.phase == TaskPhase::returning || entry.cancelled) return;
  entry.cancelled = true;
  const bool running = entry.phase == TaskPhase::running;
  out.emplace_back(StopTask{attempt, running && entry.slot, entry.slot.value_or(0)});
  if (running) return;
  end_without_run(attempt, Outcome::cancelled, "cancelled before it ran", Verdict::nothing, now,
                  out);
}

void TaskTable::dispatch(TimePoint now, Actions& out) {
  for (SlotId id = 0; id < slots_.size() && !queue_.empty(); ++id) {
    Slot& slot = slots_[id];
    if (slot.state != SlotState::ready) continue;
    const AttemptId attempt = queue_.front();
    queue_.pop_front();
    Entry& entry = entries_.at(attempt);
    entry.phase = TaskPhase::running;
    entry.since = now;
    entry.slot = id;
    slot.state = SlotState::busy;
    slot.attempt = attempt;
    out.emplace_back(StartTask{attempt, id});
    out.emplace_back(OccupancyChanged{});
  }
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

void TaskTable::expire_leases(TimePoint now) {
  std::erase_if(leases_, [&](const auto& item) {
    return !item.second.current && now >= item.second.expires + policy_.keep_tombstone;
  });
}

Actions TaskTable::tick(TimePoint now) {
  Actions out;
  expire_entries(now, out);
  expire_leases(now);
  while (!tombstone_order_.empty() && now >= tombstone_order_.front().first) {
    tombstones_.erase(tombstone_order_.front().second);
    tombstone_order_.pop_front();
  }
  restart_slots(now, out);
  if (health_.rest_ended(now)) out.emplace_back(OccupancyChanged{});
  return out;
}

// A broken slot counts as broken until its new executor is ready.
void TaskTable::restart_slots(TimePoint now, Actions& out) {
  for (SlotId id = 0; id < slots_.size(); ++id) {
    Slot& slot = slots_[id];
    if (!slot.restart_at || now < *slot.restart_at) continue;
    slot.restart_at.reset();
    if (slot.state != SlotState::broken) slot.state = SlotState::starting;
    out.emplace_back(CreateExecutor{id});
  }
}

std::optional<TimePoint> TaskTable::next_deadline() const {
  std::optional<TimePoint> next;
  const auto consider = [&next](TimePoint at) { next = next ? std::min(*next, at) : at; };
  for (const auto& [attempt, entry] : entries_) {
    if (entry.phase == TaskPhase::staging || entry.ended) consider(entry.deadline);
    if (entry.gone_deadline) consider(*entry.gone_deadline);
  }
  for (const auto& slot : slots_) {
    if (slot.restart_at) consider(*slot.restart_at);
  }
  if (const auto rest = health_.next_deadline()) consider(*rest);
  for (const auto& [id, lease] : leases_) {
    if (!lease.current) consider(lease.expires + policy_.keep_tombstone);
  }
  if (!tombstone_order_.empty()) consider(tombstone_order_.front().first);
  return next;
}

std::uint32_t TaskTable::position_of(const AttemptId& attempt) const {
  const auto found = std::find(queue_.begin(), queue_.end(), attempt);
  return found == queue_.end() ? 0 : static_cast<std::uint32_t>(found - queue_.begin()) + 1;
}

Occupancy TaskTable::occupancy(TimePoint now) const {
  Occupancy state;
  state.draining = draining_ || broken_slots() == slots_.size() || !health_.takes(now);
  state.completed = completed_;
  state.failed = failed_;
  for (const auto& slot : slots_) {
    if (slot.state == SlotState::ready) ++state.ready;
    if (slot.attempt) ++state.running;
  }
  for (const auto& [attempt, entry] : entries_) {
    if (entry.phase == TaskPhase::staging || entry.phase == TaskPhase::queued) ++state.queued;
    const auto age = std::chrono::duration_cast<milliseconds>(now - entry.since).count();
    state.tasks.push_back(
        {attempt, entry.label, entry.phase, static_cast<std::uint64_t>(std::max<long>(0, age))});
  }
  return state;
}

bool TaskTable::idle() const {
  return unfinished() == 0;
}

std::uint32_t TaskTable::broken_slots() const {
  return static_cast<std::uint32_t>(std::count_if(
      slots_.begin(), slots_.end(), [](const Slot& s) { return s.state == SlotState::broken; }));
}

}  // namespace kiln::worker
