#include "worker/tasks/task_table.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace kiln::worker {
namespace {

constexpr const char* kPeer = "agent";

AttemptId attempt(std::uint64_t number) {
  return {7, number};
}

// A table with its executors ready, a clock that the test drives, and short ways to feed it.
class TaskTableTest : public testing::Test {
 protected:
  void make(std::uint32_t slots) {
    table_.emplace(NodeFacts{slots, "x86_64"}, policy_);
    last_ = table_->start(now_);
    for (PlaceId place = 0; place < slots; ++place) last_ = table_->executor_ready(place, now_);
  }
  static Lease lease(std::uint64_t number, std::uint32_t tasks = 10) {
    Lease granted;
    granted.id = {1, number};
    granted.tasks = tasks;
    granted.lifetime_ms = 60'000;
    return granted;
  }
  void run(std::uint64_t number, std::uint64_t lease_number, const Peer& peer = kPeer) {
    last_ = table_->run(peer, lease(lease_number), true, attempt(number), "a.c", now_);
  }
  void run_and_stage(std::uint64_t number, std::uint64_t lease_number) {
    run(number, lease_number);
    last_ = table_->staged(attempt(number), true, now_);
  }
  void advance(Duration duration) {
    now_ += duration;
    last_ = table_->tick(now_);
  }

  template <typename Kind>
  int count() const {
    return static_cast<int>(std::count_if(last_.begin(), last_.end(), [](const Action& action) {
      return std::holds_alternative<Kind>(action);
    }));
  }
  template <typename Kind>
  const Kind& only() const {
    EXPECT_EQ(count<Kind>(), 1);
    for (const auto& action : last_) {
      if (const auto* found = std::get_if<Kind>(&action)) return *found;
    }
    throw std::runtime_error("the action is missing");
  }

  TablePolicy policy_;
  std::optional<TaskTable> table_;
  TimePoint now_{};
  Actions last_;
};

TEST_F(TaskTableTest, start_asks_for_one_executor_a_slot) {
  TaskTable table({3, "x86_64"}, policy_);
  last_ = table.start(now_);
  EXPECT_EQ(count<CreateExecutor>(), 3);
}

TEST_F(TaskTableTest, a_task_goes_from_staging_to_slot_to_result_to_nothing) {
  make(1);
  run(1, 1);
  EXPECT_EQ(only<AnswerAccepted>().phase, TaskPhase::staging);
  EXPECT_EQ(count<BeginStaging>(), 1);
  last_ = table_->staged(attempt(1), true, now_);
  EXPECT_EQ(only<StartTask>().place, 0U);
  EXPECT_EQ(table_->occupancy(now_).running, 1U);
  last_ = table_->finished(attempt(1), {Outcome::exited}, now_);
  EXPECT_EQ(only<SendResult>().peer, kPeer);
  last_ = table_->ack(attempt(1), now_);
  EXPECT_EQ(count<Forget>(), 1);
  EXPECT_TRUE(table_->idle());
  EXPECT_EQ(table_->occupancy(now_).completed, 1U);
  EXPECT_EQ(table_->occupancy(now_).failed, 0U);
}

TEST_F(TaskTableTest, a_repeated_attempt_id_is_answered_and_never_run_again) {
  make(2);
  run_and_stage(1, 1);
  run(1, 2, "other route");
  EXPECT_EQ(only<AnswerAccepted>().phase, TaskPhase::running);
  EXPECT_EQ(count<BeginStaging>(), 0);
  last_ = table_->finished(attempt(1), {Outcome::exited}, now_);
  EXPECT_EQ(only<SendResult>().peer, "other route");
  run(1, 1);
  EXPECT_EQ(count<SendResult>(), 1);
  last_ = table_->ack(attempt(1), now_);
  run(1, 1);
  EXPECT_EQ(only<AnswerBusy>().reason, "cancelled");
}

TEST_F(TaskTableTest, inputs_of_a_second_task_travel_while_the_slot_runs) {
  make(1);
  run_and_stage(1, 1);
  run_and_stage(2, 2);
  EXPECT_EQ(count<StartTask>(), 0);
  EXPECT_EQ(table_->occupancy(now_).queued, 1U);
  last_ = table_->finished(attempt(1), {Outcome::exited}, now_);
  EXPECT_EQ(only<StartTask>().attempt, attempt(2));
}

TEST_F(TaskTableTest, more_than_one_staging_task_a_slot_is_busy) {
  make(1);
  run_and_stage(1, 1);
  run(2, 2);
  run(3, 3);
  EXPECT_EQ(only<AnswerBusy>().reason, "no_slot");
}

TEST_F(TaskTableTest, a_lease_is_enforced) {
  make(4);
  last_ = table_->run(kPeer, lease(1), false, attempt(1), "a.c", now_);
  EXPECT_EQ(only<AnswerBusy>().reason, "bad_lease");
  run(2, 2);
  run(3, 2);
  EXPECT_EQ(only<AnswerBusy>().reason, "lease_in_use");
  last_ = table_->run(kPeer, lease(3, 1), true, attempt(4), "a.c", now_);
  last_ = table_->staged(attempt(4), true, now_);
  last_ = table_->finished(attempt(4), {Outcome::exited}, now_);
  last_ = table_->run(kPeer, lease(3, 1), true, attempt(5), "a.c", now_);
  EXPECT_EQ(only<AnswerBusy>().reason, "lease_used");
  run_and_stage(6, 4);
  last_ = table_->finished(attempt(6), {Outcome::exited}, now_);
  advance(seconds(61));
  run(7, 4);
  EXPECT_EQ(only<AnswerBusy>().reason, "lease_expired");
}

TEST_F(TaskTableTest, a_draining_worker_takes_nothing_and_finishes_what_it_has) {
  make(1);
  run_and_stage(1, 1);
  last_ = table_->set_draining(true, now_);
  EXPECT_EQ(count<OccupancyChanged>(), 1);
  run(2, 2);
  EXPECT_EQ(only<AnswerBusy>().reason, "draining");
  last_ = table_->finished(attempt(1), {Outcome::exited}, now_);
  EXPECT_EQ(count<SendResult>(), 1);
  EXPECT_TRUE(table_->idle());
}

TEST_F(TaskTableTest, row_27_before_the_end_what_runs_is_asked_to_end_and_what_waits_is_ended) {
  make(1);
  run_and_stage(1, 1);
  run_and_stage(2, 2);
  last_ = table_->set_draining(true, now_);
  last_ = table_->terminate(now_);
  EXPECT_EQ(only<TerminateTask>().attempt, attempt(1));
  EXPECT_EQ(only<ResultWithoutRun>().attempt, attempt(2));
  EXPECT_EQ(only<ResultWithoutRun>().outcome, Outcome::cancelled);
  last_ = table_->finished(attempt(1), {Outcome::cancelled}, now_);
  EXPECT_EQ(count<StartTask>(), 0);
  EXPECT_TRUE(table_->idle());
}

TEST_F(TaskTableTest, a_result_is_kept_until_it_is_acknowledged_or_30_seconds) {
  make(1);
  run_and_stage(1, 1);
  last_ = table_->finished(attempt(1), {Outcome::exited}, now_);
  advance(milliseconds(29'999));
  EXPECT_EQ(count<Forget>(), 0);
  last_ = table_->reclaim("new route", attempt(1), now_);
  EXPECT_EQ(only<SendResult>().peer, "new route");
  advance(milliseconds(1));
  EXPECT_EQ(count<Forget>(), 1);
  last_ = table_->reclaim(kPeer, attempt(1), now_);
  EXPECT_EQ(count<AnswerUnknown>(), 1);
}

TEST_F(TaskTableTest, cancel_kills_a_running_task_and_ends_a_queued_one) {
  make(1);
  run_and_stage(1, 1);
  run_and_stage(2, 2);
  last_ = table_->cancel(attempt(2), now_);
  EXPECT_FALSE(only<StopTask>().running);
  EXPECT_EQ(only<ResultWithoutRun>().outcome, Outcome::cancelled);
  last_ = table_->cancel(attempt(1), now_);
  EXPECT_TRUE(only<StopTask>().running);
  last_ = table_->finished(attempt(1), {Outcome::cancelled}, now_);
  EXPECT_EQ(count<SendResult>(), 1);
  EXPECT_EQ(count<StartTask>(), 0);
}

TEST_F(TaskTableTest, a_cancel_that_overtakes_its_run_leaves_a_tombstone) {
  make(1);
  last_ = table_->cancel(attempt(1), now_);
  run(1, 1);
  EXPECT_EQ(only<AnswerBusy>().reason, "cancelled");
  advance(seconds(60));
  run(1, 1);
  EXPECT_EQ(count<AnswerAccepted>(), 1);
}

TEST_F(TaskTableTest, tombstones_are_bounded) {
  policy_.tombstones = 2;
  make(1);
  for (std::uint64_t i = 1; i <= 3; ++i) last_ = table_->cancel(attempt(i), now_);
  run(1, 1);
  EXPECT_EQ(count<AnswerAccepted>(), 1);
}

TEST_F(TaskTableTest, a_silent_peer_keeps_its_task_15_seconds_and_may_reclaim_it) {
  make(2);
  run_and_stage(1, 1);
  run_and_stage(2, 2);
  last_ = table_->peer_gone(kPeer, now_);
  advance(seconds(14));
  EXPECT_EQ(count<StopTask>(), 0);
  last_ = table_->reclaim("new route", attempt(1), now_);
  EXPECT_EQ(only<AnswerAccepted>().phase, TaskPhase::running);
  advance(seconds(1));
  EXPECT_EQ(only<StopTask>().attempt, attempt(2));
  last_ = table_->finished(attempt(2), {Outcome::cancelled}, now_);
  EXPECT_EQ(count<SendResult>(), 0) << "nobody is there to send it to";
  EXPECT_EQ(table_->occupancy(now_).running, 1U);
}

TEST_F(TaskTableTest, staging_without_progress_ends) {
  make(1);
  run(1, 1);
  advance(seconds(119));
  table_->staging_progress(attempt(1), now_);
  advance(seconds(119));
  EXPECT_EQ(count<ResultWithoutRun>(), 0);
  advance(seconds(1));
  EXPECT_EQ(only<ResultWithoutRun>().outcome, Outcome::not_started);
  EXPECT_EQ(count<SendResult>(), 1);
}

TEST_F(TaskTableTest, a_dead_executor_fails_its_task_only_and_is_replaced) {
  make(2);
  run_and_stage(1, 1);
  run_and_stage(2, 2);
  last_ = table_->executor_lost(0, "died", now_);
  last_ = table_->finished(attempt(1), {Outcome::executor_lost}, now_);
  EXPECT_EQ(count<SendResult>(), 1);
  run_and_stage(3, 3);
  EXPECT_EQ(count<StartTask>(), 0) << "the dead slot must not get a task";
  advance(policy_.pools.restart_delay);
  EXPECT_EQ(only<CreateExecutor>().place, 0U);
  last_ = table_->executor_ready(0, now_);
  EXPECT_EQ(only<StartTask>().attempt, attempt(3));
}

TEST_F(TaskTableTest, three_failures_in_a_row_break_a_slot) {
  make(1);
  for (int i = 0; i < 3; ++i) {
    last_ = table_->executor_lost(0, "died", now_);
    advance(milliseconds(999));
  }
  EXPECT_EQ(count<CreateExecutor>(), 0);
  EXPECT_EQ(table_->broken_slots(), 1U);
  run(1, 1);
  EXPECT_EQ(only<AnswerBusy>().reason, "broken");
}

TEST_F(TaskTableTest, a_broken_slot_gets_another_executor_after_a_while) {
  make(1);
  for (int i = 0; i < 3; ++i) {
    last_ = table_->executor_lost(0, "died", now_);
    if (i < 2) advance(policy_.pools.restart_delay * (1 << i));
  }
  EXPECT_EQ(*table_->next_deadline(), now_ + seconds(1));
  advance(seconds(1));
  EXPECT_EQ(count<CreateExecutor>(), 1);
  EXPECT_EQ(table_->broken_slots(), 1U) << "until it is ready";
  last_ = table_->executor_lost(0, "died", now_);
  advance(milliseconds(1999));
  EXPECT_EQ(count<CreateExecutor>(), 0) << "each failure doubles the time";
  advance(milliseconds(1));
  EXPECT_EQ(count<CreateExecutor>(), 1);
  last_ = table_->executor_ready(0, now_);
  EXPECT_EQ(table_->broken_slots(), 0U);
  EXPECT_FALSE(table_->occupancy(now_).draining);
  run_and_stage(1, 1);
  EXPECT_EQ(count<StartTask>(), 1);
  last_ = table_->executor_lost(0, "died", now_);
  EXPECT_EQ(table_->broken_slots(), 1U) << "readiness alone proves nothing";
}

TEST_F(TaskTableTest, a_node_that_fails_three_tasks_in_a_row_rests_and_tries_one) {
  make(2);
  for (std::uint64_t i = 1; i <= 2; ++i) {
    run(i, i);
    last_ = table_->staging_failed(attempt(i), "no space", true, now_);
  }
  run_and_stage(3, 3);
  EXPECT_FALSE(table_->occupancy(now_).draining);
  last_ = table_->finished(attempt(3), {Outcome::not_started, true}, now_);
  EXPECT_TRUE(table_->occupancy(now_).draining) << "nothing is to be placed here";
  EXPECT_EQ(count<OccupancyChanged>(), 1);
  run(4, 4);
  EXPECT_EQ(only<AnswerBusy>().reason, "broken");
  EXPECT_EQ(*table_->next_deadline(), now_ + seconds(1));
  advance(seconds(1));
  EXPECT_EQ(count<OccupancyChanged>(), 1);
  EXPECT_FALSE(table_->occupancy(now_).draining);
  run_and_stage(5, 5);
  EXPECT_EQ(count<StartTask>(), 1);
  run(6, 6);
  EXPECT_EQ(only<AnswerBusy>().reason, "broken") << "one at a time";
  last_ = table_->finished(attempt(5), {Outcome::exited}, now_);
  EXPECT_FALSE(table_->occupancy(now_).draining);
  run(7, 7);
  EXPECT_EQ(count<AnswerAccepted>(), 1);
}

TEST_F(TaskTableTest, failures_that_are_the_tasks_own_do_not_count_against_the_node) {
  make(1);
  for (std::uint64_t i = 1; i <= 10; ++i) {
    run(i, i);
    last_ = table_->staging_failed(attempt(i), "an input vanished", false, now_);
  }
  for (std::uint64_t i = 11; i <= 20; ++i) {
    run_and_stage(i, i);
    last_ = table_->finished(attempt(i), {Outcome::memory_limit}, now_);
  }
  EXPECT_FALSE(table_->occupancy(now_).draining);
}

TEST_F(TaskTableTest, results_that_nobody_acknowledges_are_bounded) {
  policy_.held_result_bytes = 100;
  make(2);
  run_and_stage(1, 1);
  last_ = table_->finished(attempt(1), {Outcome::exited, false, 99}, now_);
  run_and_stage(2, 2);
  last_ = table_->finished(attempt(2), {Outcome::exited, false, 1}, now_);
  run(3, 3);
  EXPECT_EQ(only<AnswerBusy>().reason, "queue_full");
  last_ = table_->ack(attempt(2), now_);
  run(4, 4);
  EXPECT_EQ(count<AnswerAccepted>(), 1);
}

TEST_F(TaskTableTest, a_slot_takes_the_next_task_while_the_result_is_completed) {
  make(1);
  run_and_stage(1, 1);
  run_and_stage(2, 2);
  last_ = table_->slot_freed(attempt(1), Outcome::exited, now_);
  EXPECT_EQ(only<StartTask>().attempt, attempt(2));
  EXPECT_EQ(count<SendResult>(), 0);
  EXPECT_EQ(table_->occupancy(now_).running, 1U);
  EXPECT_EQ(table_->occupancy(now_).queued, 0U);
  run(3, 1);
  EXPECT_EQ(only<AnswerBusy>().reason, "lease_in_use") << "until there is a result";
  run(4, 4);
  EXPECT_EQ(only<AnswerAccepted>().phase, TaskPhase::staging);
  last_ = table_->reclaim(kPeer, attempt(1), now_);
  EXPECT_EQ(only<AnswerAccepted>().phase, TaskPhase::returning);
  last_ = table_->cancel(attempt(1), now_);
  EXPECT_TRUE(last_.empty()) << "too late: the result is nearly there";
  last_ = table_->finished(attempt(1), {Outcome::exited}, now_);
  EXPECT_EQ(count<SendResult>(), 1);
  EXPECT_EQ(table_->occupancy(now_).running, 1U) << "what runs on the slot is another's";
}

TEST_F(TaskTableTest, a_late_result_does_not_free_the_slot_of_the_next_task) {
  make(1);
  run_and_stage(1, 1);
  last_ = table_->executor_lost(0, "died", now_);
  advance(policy_.pools.restart_delay);
  last_ = table_->executor_ready(0, now_);
  run_and_stage(2, 2);
  EXPECT_EQ(only<StartTask>().attempt, attempt(2));
  last_ = table_->cancel(attempt(1), now_);
  EXPECT_FALSE(only<StopTask>().running) << "what runs on the slot is another's";
  last_ = table_->finished(attempt(1), {Outcome::executor_lost}, now_);
  EXPECT_EQ(table_->occupancy(now_).running, 1U);
  run_and_stage(3, 3);
  EXPECT_EQ(count<StartTask>(), 0);
}

TEST_F(TaskTableTest, tasks_that_no_slot_will_run_end) {
  make(1);
  run_and_stage(1, 1);
  run_and_stage(2, 2);
  for (int i = 0; i < 2; ++i) {
    last_ = table_->executor_lost(0, "died", now_);
    advance(seconds(1));
  }
  EXPECT_EQ(count<ResultWithoutRun>(), 0);
  last_ = table_->executor_lost(0, "died", now_);
  EXPECT_EQ(only<ResultWithoutRun>().attempt, attempt(2));
  EXPECT_EQ(only<ResultWithoutRun>().outcome, Outcome::not_started);
  EXPECT_TRUE(table_->occupancy(now_).draining) << "nothing is to be placed here";
}

TEST_F(TaskTableTest, next_deadline_is_where_tick_has_something_to_do) {
  make(1);
  EXPECT_FALSE(table_->next_deadline());
  run(1, 1);
  EXPECT_EQ(*table_->next_deadline(), now_ + policy_.staging_limit);
  last_ = table_->staged(attempt(1), true, now_);
  EXPECT_FALSE(table_->next_deadline());
  last_ = table_->finished(attempt(1), {Outcome::exited}, now_);
  EXPECT_EQ(*table_->next_deadline(), now_ + policy_.keep_result);
}

}  // namespace
}  // namespace kiln::worker
