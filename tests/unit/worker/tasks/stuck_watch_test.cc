#include "worker/tasks/stuck_watch.h"

#include <gtest/gtest.h>

#include "worker/tasks/task_table.h"

namespace kiln::worker {
namespace {

Lease lease(std::uint64_t number) {
  Lease granted;
  granted.id = {1, number};
  granted.tasks = 100;
  granted.lifetime_ms = 3'600'000;
  return granted;
}

TEST(PoolConformance, row_22_tasks_that_last_are_reported_each_interval_and_fast_ones_never) {
  TimePoint now = TimePoint() + seconds(1000);
  StuckWatch watch(seconds(60), now);
  TaskTable table({1, "x86_64"}, TablePolicy{});
  table.start(now);
  table.executor_ready(0, now);
  table.run("agent", lease(1), true, {7, 1}, "slow.c", now);
  now += seconds(2);
  table.staged({7, 1}, true, now);
  now += seconds(57);
  EXPECT_TRUE(watch.look(table.unfinished_tasks(now), now).empty()) << "not yet";
  now += seconds(1);
  const auto stuck = watch.look(table.unfinished_tasks(now), now);
  ASSERT_EQ(stuck.size(), 1U);
  EXPECT_EQ(stuck[0].label, "slow.c");
  EXPECT_EQ(stuck[0].pool, "default");
  EXPECT_EQ(stuck[0].phase, TaskPhase::running);
  EXPECT_EQ(stuck[0].age_ms, 60'000U);
  EXPECT_EQ(stuck[0].phase_ms, 58'000U);
  EXPECT_TRUE(watch.look(table.unfinished_tasks(now), now).empty()) << "once an interval";
  table.finished({7, 1}, {Outcome::exited}, now);
  for (std::uint64_t i = 2; i < 100; ++i) {
    table.run("agent", lease(1), true, {7, i}, "fast.c", now);
    table.staged({7, i}, true, now);
    now += seconds(3);
    EXPECT_TRUE(watch.look(table.unfinished_tasks(now), now).empty());
    table.finished({7, i}, {Outcome::exited}, now);
  }
}

TEST(PoolConformance, row_23_a_queued_task_is_reported_as_queued) {
  TimePoint now = TimePoint() + seconds(1000);
  StuckWatch watch(seconds(60), now);
  TaskTable table({1, "x86_64"}, TablePolicy{});
  table.start(now);
  table.run("agent", lease(1), true, {7, 1}, "a.c", now);
  table.staged({7, 1}, true, now);
  now += seconds(61);
  const auto stuck = watch.look(table.unfinished_tasks(now), now);
  ASSERT_EQ(stuck.size(), 1U);
  EXPECT_EQ(stuck[0].phase, TaskPhase::queued) << "its executor is not ready";
}

TEST(StuckWatch, an_interval_of_zero_reports_nothing) {
  StuckWatch watch(Duration::zero(), TimePoint());
  EXPECT_FALSE(watch.next_deadline());
  TaskStatus old;
  old.age_ms = 3'600'000;
  EXPECT_TRUE(watch.look({old}, TimePoint() + seconds(3600)).empty());
}

}  // namespace
}  // namespace kiln::worker
