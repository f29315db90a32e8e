// Tasks of several pools on one node.
#include <algorithm>

#include <gtest/gtest.h>

#include "worker/tasks/task_table.h"

namespace kiln::worker {
namespace {

class PoolTasks : public testing::Test {
 protected:
  PoolTasks() {
    last_ = table_.start(now_);
    all_ready();
  }
  static PoolTerms terms(const std::string& name, std::uint32_t executors = 0) {
    PoolTerms made;
    made.definition.spec.name = name;
    made.definition.spec.executors = executors;
    made.definition.version = 1;
    made.selected = true;
    return made;
  }
  void configure(const PoolTerms& wanted) { last_ = table_.configure_pool(wanted, now_); }
  void run(std::uint64_t number, const std::string& pool) {
    Lease lease;
    lease.id = {1, number};
    lease.tasks = 1;
    lease.lifetime_ms = 60'000;
    lease.pool = pool;
    last_ = table_.run("agent", lease, true, {7, number}, "a.c", now_);
  }
  void stage(std::uint64_t number, bool warm = true) {
    auto more = table_.staged({7, number}, warm, now_);
    last_.insert(last_.end(), more.begin(), more.end());
  }
  void all_ready() {
    const Actions asked = last_;
    for (const auto& action : asked) {
      const auto* create = std::get_if<CreateExecutor>(&action);
      if (create == nullptr) continue;
      auto more = table_.executor_ready(create->place, now_);
      last_.insert(last_.end(), more.begin(), more.end());
    }
  }
  std::vector<std::uint64_t> started() const {
    std::vector<std::uint64_t> numbers;
    for (const auto& action : last_) {
      if (const auto* start = std::get_if<StartTask>(&action))
        numbers.push_back(start->attempt.number);
    }
    return numbers;
  }
  template <typename Kind>
  std::vector<Kind> all() const {
    std::vector<Kind> found;
    for (const auto& action : last_) {
      if (const auto* kind = std::get_if<Kind>(&action)) found.push_back(*kind);
    }
    return found;
  }

  TimePoint now_ = TimePoint() + seconds(1000);
  TaskTable table_{{2, "x86_64"}, TablePolicy{}};
  Actions last_;
};

using Numbers = std::vector<std::uint64_t>;

TEST_F(PoolTasks, a_task_of_an_unknown_pool_is_busy) {
  run(1, "nowhere");
  ASSERT_EQ(all<AnswerBusy>().size(), 1U);
  EXPECT_EQ(all<AnswerBusy>()[0].reason, "no_pool");
}

TEST_F(PoolTasks, row_3_a_task_that_comes_while_its_pool_warms_waits_and_holds_up_no_other_pool) {
  configure(terms("a"));
  run(1, "a");
  EXPECT_EQ(all<CreateExecutor>().size(), 1U);
  const auto asked = last_;
  stage(1);
  EXPECT_EQ(started(), Numbers{});
  EXPECT_EQ(table_.pool("a").queued, 1U);
  run(2, "default");
  stage(2);
  EXPECT_EQ(started(), Numbers{2});
  last_ = asked;
  all_ready();
  EXPECT_EQ(started(), Numbers{1});
}

TEST_F(PoolTasks, that_a_task_made_its_pool_busy_is_told_when_it_starts) {
  run(1, "default");
  last_.clear();
  stage(1);
  ASSERT_EQ(started(), Numbers{1});
  ASSERT_FALSE(all<PoolChanged>().empty());
  EXPECT_EQ(all<PoolChanged>().back().pool, "default");
  EXPECT_EQ(table_.pool("default").busy, 1U);
}

TEST_F(PoolTasks, slots_bound_the_tasks_of_all_pools_together) {
  configure(terms("a"));
  last_ = table_.warm_pool("a", 2, now_);
  all_ready();
  EXPECT_EQ(table_.occupancy(now_).ready, 2U) << "more cannot be used";
  Numbers running;
  for (const std::uint64_t number : {1, 2, 3, 4}) {
    run(number, number % 2 == 0 ? "a" : "default");
    stage(number);
    const auto now_started = started();
    running.insert(running.end(), now_started.begin(), now_started.end());
  }
  EXPECT_EQ(running, (Numbers{1, 2}));
  EXPECT_EQ(table_.occupancy(now_).ready, 0U);
  last_ = table_.finished({7, 1}, {Outcome::exited}, now_);
  EXPECT_EQ(started(), Numbers{3}) << "in the order of their arrival";
}

TEST_F(PoolTasks, a_pool_takes_one_running_and_one_staging_task_for_each_executor) {
  configure(terms("a", 1));
  run(1, "a");
  run(2, "a");
  run(3, "a");
  ASSERT_EQ(all<AnswerBusy>().size(), 1U);
  EXPECT_EQ(all<AnswerBusy>()[0].reason, "no_slot");
  run(4, "default");
  EXPECT_EQ(all<AnswerAccepted>().size(), 1U);
}

TEST_F(PoolTasks, row_10_tasks_of_a_broken_pool_go_elsewhere) {
  auto wanted = terms("a", 1);
  wanted.definition.spec.init = {{"/bin/false"}};
  wanted.definition.spec.toolchains = {{"sh", "/bin/sh", "x86_64", {}}};
  configure(wanted);
  run(1, "a");
  all_ready();
  stage(1);
  for (int i = 0; i < 3; ++i) {
    const PlaceId place = 2;
    last_ = table_.initialised(place, {false, "step 1 exited with 1", "", 1}, now_);
    if (i == 2) break;
    last_ = table_.executor_stopped(place, now_);
    now_ += seconds(1);
    last_ = table_.tick(now_);
    all_ready();
  }
  ASSERT_EQ(all<ResultWithoutRun>().size(), 1U);
  EXPECT_EQ(all<ResultWithoutRun>()[0].outcome, Outcome::not_started);
  EXPECT_NE(all<ResultWithoutRun>()[0].message.find("step 1 exited with 1"), std::string::npos);
  run(2, "a");
  EXPECT_EQ(all<AnswerBusy>()[0].reason, "pool_broken");
  EXPECT_FALSE(table_.occupancy(now_).draining) << "other pools go on";
}

TEST_F(PoolTasks, row_28_queued_tasks_of_a_pool_that_ends_are_answered) {
  configure(terms("a", 1));
  run(1, "a");
  all_ready();
  stage(1);
  run(2, "a");
  stage(2);
  auto gone = terms("a", 1);
  gone.definition.deleted = true;
  configure(gone);
  ASSERT_EQ(all<ResultWithoutRun>().size(), 1U);
  EXPECT_EQ(all<ResultWithoutRun>()[0].attempt.number, 2U);
  EXPECT_EQ(all<StopExecutor>().size(), 0U) << "its running task ends first";
  last_ = table_.finished({7, 1}, {Outcome::exited}, now_);
  EXPECT_EQ(all<StopExecutor>().size(), 1U);
  last_ = table_.executor_stopped(2, now_);
  EXPECT_EQ(table_.pools(), std::vector<std::string>{"default"});
  run(3, "a");
  EXPECT_EQ(all<AnswerBusy>()[0].reason, "no_pool");
}

TEST_F(PoolTasks, row_28_staging_tasks_of_a_pool_that_ends_are_answered) {
  configure(terms("a", 1));
  run(1, "a");
  auto gone = terms("a", 1);
  gone.selected = false;
  configure(gone);
  EXPECT_EQ(all<StopTask>().size(), 1U);
  EXPECT_EQ(all<ResultWithoutRun>().size(), 1U);
}

TEST_F(PoolTasks, row_30_hits_are_tasks_that_found_executor_and_toolchain_there) {
  configure(terms("a", 1));
  run(1, "a");
  now_ += milliseconds(5);
  all_ready();
  stage(1);
  last_ = table_.finished({7, 1}, {Outcome::exited}, now_ += milliseconds(1));
  EXPECT_EQ(table_.pool("a").warm_misses, 1U) << "its executor was made for it";
  EXPECT_EQ(table_.pool("a").first_us, 6'000U);
  run(2, "a");
  stage(2, false);
  last_ = table_.finished({7, 2}, {Outcome::exited}, now_);
  EXPECT_EQ(table_.pool("a").warm_misses, 2U) << "its toolchain was not there";
  run(3, "a");
  stage(3);
  run(4, "a");
  stage(4);
  last_ = table_.finished({7, 3}, {Outcome::exited}, now_);
  EXPECT_EQ(started(), Numbers{4});
  EXPECT_EQ(table_.pool("a").warm_hits, 2U) << "waiting for a busy executor is no miss";
  EXPECT_EQ(table_.pool("a").tasks, 3U);
}

TEST_F(PoolTasks, the_default_pool_cannot_be_changed) {
  auto other = terms("default", 1);
  other.definition.deleted = true;
  configure(other);
  last_ = table_.quiesce_pool("default", now_);
  EXPECT_TRUE(all<StopExecutor>().empty());
  EXPECT_EQ(table_.pool("default").ready, 2U);
}

}  // namespace
}  // namespace kiln::worker
