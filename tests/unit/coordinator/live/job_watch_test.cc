#include "coordinator/live/job_watch.h"

#include <gtest/gtest.h>

namespace kiln::coordinator {
namespace {

using Kind = JobChange::Kind;

const TimePoint kNow{std::chrono::hours(1)};

TaskStatus task(std::uint64_t number, TaskPhase phase, std::uint64_t age_ms = 0,
                std::uint64_t phase_ms = 0) {
  TaskStatus status;
  status.attempt = {7, number};
  status.phase = phase;
  status.age_ms = age_ms;
  status.phase_ms = phase_ms;
  status.label = "a.c";
  status.build = "nightly";
  status.client = "ann@ci";
  return status;
}

class JobWatchTest : public testing::Test {
 protected:
  std::vector<JobChange> report(std::vector<TaskStatus> tasks, std::uint64_t epoch = 1) {
    return report_as(++sequence_, std::move(tasks), epoch);
  }
  std::vector<JobChange> report_as(std::uint64_t sequence, std::vector<TaskStatus> tasks,
                                   std::uint64_t epoch = 1) {
    Occupancy occupancy;
    occupancy.sequence = sequence;
    occupancy.tasks = std::move(tasks);
    std::vector<JobChange> changes;
    watch_.reported("w1", epoch, occupancy, kNow, changes);
    return changes;
  }

  JobWatch watch_;
  std::uint64_t sequence_ = 0;
};

TEST_F(JobWatchTest, a_task_comes_with_all_that_is_known_of_it) {
  const auto changes = report({task(1, TaskPhase::running, 300, 100)});
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].kind, Kind::came);
  EXPECT_EQ(changes[0].node, "w1");
  EXPECT_EQ(changes[0].phase, TaskPhase::running);
  EXPECT_EQ(changes[0].at, kNow - milliseconds(100));
  EXPECT_EQ(changes[0].accepted, kNow - milliseconds(300));
  EXPECT_EQ(changes[0].label, "a.c");
  EXPECT_EQ(changes[0].build, "nightly");
  EXPECT_EQ(changes[0].client, "ann@ci");
}

TEST_F(JobWatchTest, only_what_differs_is_told) {
  report({task(1, TaskPhase::staging), task(2, TaskPhase::running)});
  EXPECT_TRUE(report({task(1, TaskPhase::staging), task(2, TaskPhase::running)}).empty());
  const auto changes = report({task(1, TaskPhase::running), task(3, TaskPhase::staging)});
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[0].kind, Kind::moved);
  EXPECT_EQ(changes[0].phase, TaskPhase::running);
  EXPECT_EQ(changes[1].kind, Kind::went);
  EXPECT_EQ(changes[1].attempt.number, 2U);
  EXPECT_EQ(changes[2].kind, Kind::came);
}

TEST_F(JobWatchTest, an_older_report_changes_nothing) {
  report_as(5, {task(1, TaskPhase::running)});
  EXPECT_TRUE(report_as(4, {}).empty());
  EXPECT_TRUE(report_as(5, {}).empty());
  EXPECT_EQ(report_as(6, {}).size(), 1U);
}

TEST_F(JobWatchTest, a_worker_that_began_anew_has_lost_its_tasks) {
  report_as(50, {task(1, TaskPhase::running)});
  const auto changes = report_as(1, {task(2, TaskPhase::running)}, 2);
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].kind, Kind::lost);
  EXPECT_EQ(changes[1].kind, Kind::came);
}

TEST_F(JobWatchTest, a_lost_worker_loses_its_tasks_once) {
  report({task(1, TaskPhase::running), task(2, TaskPhase::staging)});
  std::vector<JobChange> changes;
  watch_.lost("w1", kNow, changes);
  EXPECT_EQ(changes.size(), 2U);
  watch_.lost("w1", kNow, changes);
  watch_.lost("w9", kNow, changes);
  EXPECT_EQ(changes.size(), 2U);
}

TEST_F(JobWatchTest, the_order_and_repetition_of_tasks_do_not_matter) {
  report({task(1, TaskPhase::running), task(2, TaskPhase::running)});
  EXPECT_TRUE(report({task(2, TaskPhase::running), task(1, TaskPhase::running),
                      task(2, TaskPhase::running)})
                  .empty());
}

TEST_F(JobWatchTest, an_age_beyond_reason_is_cut) {
  const auto changes = report({task(1, TaskPhase::running, ~std::uint64_t{0}, 0)});
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_LT(changes[0].accepted, kNow);
}

}  // namespace
}  // namespace kiln::coordinator
