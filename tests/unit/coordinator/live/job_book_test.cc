#include "coordinator/live/job_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::coordinator {
namespace {

using Kind = JobChange::Kind;
using testing::ElementsAre;
using testing::Optional;

class JobBookTest : public testing::Test {
 protected:
  static TimePoint at(std::int64_t ms) {
    return TimePoint{std::chrono::hours(1)} + milliseconds(ms);
  }

  void come(std::uint64_t number, std::int64_t ms, const std::string& build = "nightly",
            const std::string& node = "w1", TaskPhase phase = TaskPhase::staging) {
    book_.apply(
        {Kind::came, node, {7, number}, phase, at(ms), at(ms), "a.c", "default", build, "ann@ci"});
  }
  void move(std::uint64_t number, TaskPhase phase, std::int64_t ms) {
    book_.apply({Kind::moved, "w1", {7, number}, phase, at(ms)});
  }
  void go(std::uint64_t number, std::int64_t ms, Kind kind = Kind::went) {
    book_.apply({kind, "w1", {7, number}, TaskPhase::returning, at(ms)});
  }
  const LiveBuild& build(BuildNumber number = 1) { return book_.builds().at(number); }
  const LiveJob& job(std::size_t index = 0) { return build().jobs.at(index); }

  JobBook book_;
};

TEST_F(JobBookTest, a_build_waits_before_its_first_task_and_beside_others) {
  book_.note_waiting({{"nightly", {1, 8, at(0)}}}, at(1000));
  EXPECT_EQ(build().waiting, 8U);
  EXPECT_EQ(build().begun, at(0));
  book_.tidy(at(0) + std::chrono::hours(2));
  EXPECT_EQ(book_.builds().size(), 1U) << "it does not rest";
  come(1, 1500);
  book_.note_waiting({{"nightly", {1, 7, at(0)}}}, at(2000));
  EXPECT_EQ(book_.builds().size(), 1U);
  EXPECT_EQ(build().waiting, 7U);
  EXPECT_EQ(build().queued, 1U);
  book_.note_waiting({}, at(3000));
  EXPECT_EQ(build().waiting, 0U);
  EXPECT_EQ(build().last, at(2000));
}

TEST_F(JobBookTest, builds_that_only_wait_take_no_others_place_but_of_those_at_rest) {
  book_ = JobBook({.builds = 2});
  come(1, 0, "busy");
  come(2, 0, "resting");
  go(2, 10);
  book_.note_waiting({{"first", {1, 1, at(20)}}, {"second", {1, 1, at(30)}}}, at(1000));
  EXPECT_EQ(book_.builds().size(), 2U);
  EXPECT_EQ(build(1).name, "busy");
  EXPECT_EQ(build(3).name, "first") << "and none for the second";
  const auto changes = book_.builds().rbegin()->first;
  book_.note_waiting({{"first", {1, 1, at(20)}}, {"second", {1, 1, at(30)}}}, at(2000));
  EXPECT_EQ(book_.builds().rbegin()->first, changes);
}

TEST_F(JobBookTest, a_job_goes_through_its_phases) {
  come(1, 0);
  EXPECT_EQ(build().queued, 1U);
  move(1, TaskPhase::queued, 10);
  move(1, TaskPhase::running, 20);
  EXPECT_EQ(build().queued, 0U);
  EXPECT_EQ(build().running, 1U);
  EXPECT_THAT(job().slot, Optional(0U));
  EXPECT_FALSE(job().ended);
  move(1, TaskPhase::returning, 120);
  EXPECT_EQ(build().running, 0U);
  EXPECT_EQ(build().done, 1U);
  go(1, 130);
  EXPECT_EQ(job().accepted, at(0));
  EXPECT_THAT(job().started, Optional(at(20)));
  EXPECT_THAT(job().ended, Optional(at(120)));
  EXPECT_TRUE(job().went);
  EXPECT_FALSE(job().lost);
  EXPECT_THAT(job().slot, Optional(0U)) << "the row stays drawn";
  EXPECT_EQ(build().done, 1U);
  EXPECT_EQ(book_.place_of({7, 1}), nullptr);
  EXPECT_THAT(book_.take_times(), ElementsAre(milliseconds(120)));
  EXPECT_TRUE(book_.take_times().empty());
}

TEST_F(JobBookTest, a_return_that_no_report_told_of_is_an_end_too) {
  come(1, 0);
  move(1, TaskPhase::running, 20);
  go(1, 100);
  EXPECT_EQ(build().done, 1U);
  EXPECT_THAT(job().ended, Optional(at(100)));
  EXPECT_THAT(book_.take_times(), ElementsAre(milliseconds(100)));
}

TEST_F(JobBookTest, running_tasks_have_the_lowest_free_rows) {
  for (const std::uint64_t number : {1, 2, 3}) {
    come(number, 0);
    move(number, TaskPhase::running, 1);
  }
  go(2, 5);
  come(4, 6);
  move(4, TaskPhase::running, 7);
  EXPECT_THAT(job(3).slot, Optional(1U));
  EXPECT_THAT(book_.slots("w1"), ElementsAre(Optional(1U), Optional(1U), Optional(1U)));
  go(3, 8);
  EXPECT_EQ(book_.slots("w1").size(), 2U);
  EXPECT_TRUE(book_.slots("w2").empty());
}

TEST_F(JobBookTest, a_lost_worker_ends_what_ran_on_it) {
  come(1, 0);
  move(1, TaskPhase::running, 5);
  go(1, 50, Kind::lost);
  EXPECT_TRUE(job().lost);
  EXPECT_THAT(job().ended, Optional(at(50)));
  EXPECT_EQ(build().running, 0U);
  EXPECT_EQ(build().done, 0U);
  EXPECT_TRUE(book_.slots("w1").empty());
}

TEST_F(JobBookTest, a_name_that_rests_for_a_minute_is_another_build) {
  come(1, 0);
  go(1, 100);
  come(2, 59'000);
  EXPECT_EQ(book_.builds().size(), 1U);
  go(2, 59'100);
  come(3, 119'200);
  EXPECT_EQ(book_.builds().size(), 2U);
  EXPECT_EQ(build(2).jobs.size(), 1U);
}

TEST_F(JobBookTest, a_build_that_runs_long_does_not_rest) {
  come(1, 0);
  move(1, TaskPhase::running, 1);
  come(2, 300'000);
  EXPECT_EQ(book_.builds().size(), 1U);
}

TEST_F(JobBookTest, tasks_without_a_build_have_a_row_only) {
  come(1, 0, "");
  move(1, TaskPhase::running, 1);
  EXPECT_TRUE(book_.builds().empty());
  EXPECT_THAT(book_.slots("w1"), ElementsAre(Optional(0U)));
  go(1, 2);
  EXPECT_TRUE(book_.slots("w1").empty());
}

TEST_F(JobBookTest, old_builds_and_jobs_are_forgotten) {
  book_ = JobBook({.builds = 2, .jobs_of_build = 3, .jobs = 4});
  for (std::uint64_t number = 1; number <= 5; ++number) come(number, 0, "a");
  EXPECT_EQ(build(1).jobs.size(), 3U);
  EXPECT_EQ(build(1).dropped, 2U);
  come(6, 1, "b");
  come(7, 2, "b");
  EXPECT_EQ(build(1).jobs.size(), 2U);
  come(8, 3, "c");
  EXPECT_EQ(book_.find(1), nullptr);
  move(3, TaskPhase::running, 4);
  go(3, 5);
  EXPECT_EQ(build(2).jobs.size(), 2U);
}

TEST_F(JobBookTest, a_build_that_goes_on_keeps_its_new_jobs_beside_later_builds) {
  book_ = JobBook({.builds = 8, .jobs_of_build = 8, .jobs = 4});
  for (std::uint64_t number = 1; number <= 12; ++number) {
    come(number, static_cast<std::int64_t>(number), number % 2 == 1 ? "a" : "b");
  }
  EXPECT_EQ(build(1).jobs.size(), 2U);
  EXPECT_EQ(build(2).jobs.size(), 2U);
  EXPECT_EQ(build(1).dropped, 4U);
}

TEST_F(JobBookTest, of_too_many_builds_the_one_that_rests_longest_goes) {
  book_ = JobBook({.builds = 3});
  come(1, 0, "has one long task");
  come(2, 1, "rests");
  go(2, 2);
  come(3, 3, "rests too");
  go(3, 4);
  come(4, 5, "new");
  EXPECT_NE(book_.find(1), nullptr);
  EXPECT_EQ(book_.find(2), nullptr);
  EXPECT_NE(book_.find(3), nullptr);
  EXPECT_NE(book_.find(4), nullptr);
  come(5, 6, "newer");
  EXPECT_NE(book_.find(1), nullptr);
  EXPECT_EQ(book_.find(3), nullptr);
}

TEST_F(JobBookTest, builds_of_long_ago_go_once_nothing_of_them_is_there) {
  come(1, 0);
  move(1, TaskPhase::running, 1);
  book_.tidy(at(3'600'000));
  EXPECT_EQ(book_.builds().size(), 1U);
  go(1, 3'600'000);
  book_.tidy(at(3'600'000 + 1'799'000));
  EXPECT_EQ(book_.builds().size(), 1U);
  book_.tidy(at(3'600'000 + 1'800'000));
  EXPECT_TRUE(book_.builds().empty());
}

TEST_F(JobBookTest, numbers_of_builds_begin_where_they_are_told_to) {
  book_ = JobBook(JobBook::Bounds{}, 1'700'000'000);
  come(1, 0);
  EXPECT_NE(book_.find(1'700'000'001), nullptr);
}

TEST_F(JobBookTest, each_change_has_a_higher_number) {
  come(1, 0);
  come(2, 0);
  const auto before = book_.changes();
  move(1, TaskPhase::running, 1);
  EXPECT_GT(job(0).changed, before);
  EXPECT_LE(job(1).changed, before);
  EXPECT_EQ(build().changed, book_.changes());
}

TEST_F(JobBookTest, what_was_not_told_ends_all) {
  come(1, 0);
  move(1, TaskPhase::running, 1);
  come(2, 0, "");
  book_.end_all(at(10));
  EXPECT_TRUE(job().went);
  EXPECT_EQ(build().running, 0U);
  EXPECT_TRUE(book_.slots("w1").empty());
  go(1, 11);
}

}  // namespace
}  // namespace kiln::coordinator
