#include "client/policy/lease_book.h"

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

const LeaseKey kGcc{digest_of("gcc"), "default", "build", 0};
const LeaseKey kClang{digest_of("clang"), "default", "build", 0};

HeldLease held(std::uint64_t number, const std::string& worker, std::uint32_t tasks = 32,
               bool staging = false) {
  HeldLease lease;
  lease.lease.id = {1, number};
  lease.lease.worker = worker;
  lease.lease.tasks = tasks;
  lease.lease.lifetime_ms = 60'000;
  lease.lease.staging = staging;
  return lease;
}

class LeaseBookTest : public testing::Test {
 protected:
  std::uint64_t take(const LeaseKey& key, const std::vector<std::string>& excluded = {}) {
    const auto taken = book_.take(key, excluded, now_);
    return taken ? taken->lease.id.number : 0;
  }
  LeaseBook book_{BookPolicy{}};
  TimePoint now_{};
};

TEST_F(LeaseBookTest, leases_of_another_pool_build_or_priority_are_no_substitute) {
  book_.add(kGcc, held(1, "a"), now_);
  LeaseKey pool = kGcc;
  pool.pool = "other";
  LeaseKey build = kGcc;
  build.build = "other";
  LeaseKey priority = kGcc;
  priority.priority = 1;
  for (const auto& key : {pool, build, priority}) {
    EXPECT_EQ(take(key), 0U);
    EXPECT_EQ(book_.wanted(key, 1, 0, now_), 1U);
    EXPECT_FALSE(book_.holds(key));
  }
  EXPECT_TRUE(book_.holds(kGcc));
  EXPECT_EQ(take(kGcc), 1U);
}

TEST_F(LeaseBookTest, gives_a_lease_of_the_toolchain_once_at_a_time) {
  book_.add(kGcc, held(1, "a"), now_);
  EXPECT_EQ(take(kClang), 0U);
  EXPECT_EQ(take(kGcc), 1U);
  EXPECT_EQ(take(kGcc), 0U);
  book_.give_back({1, 1}, now_);
  EXPECT_EQ(take(kGcc), 1U);
}

TEST_F(LeaseBookTest, the_most_recently_used_comes_first_and_staging_leases_last) {
  book_.add(kGcc, held(1, "a"), now_);
  book_.add(kGcc, held(2, "b"), now_ + seconds(1));
  book_.add(kGcc, held(3, "c", 32, true), now_ + seconds(2));
  EXPECT_EQ(take(kGcc), 2U);
  EXPECT_EQ(take(kGcc), 1U);
  EXPECT_EQ(take(kGcc), 3U);
}

TEST_F(LeaseBookTest, excluded_and_dropped_workers_are_not_used) {
  book_.add(kGcc, held(1, "a"), now_);
  book_.add(kGcc, held(2, "b"), now_);
  EXPECT_EQ(take(kGcc, {"a", "b"}), 0U);
  EXPECT_EQ(take(kGcc, {"a"}), 2U);
  book_.drop_worker("a");
  EXPECT_EQ(take(kGcc), 0U);
}

TEST_F(LeaseBookTest, a_lease_ends_with_its_tasks_and_with_its_time) {
  book_.add(kGcc, held(1, "a", 1), now_);
  EXPECT_EQ(take(kGcc), 1U);
  book_.give_back({1, 1}, now_);
  EXPECT_EQ(take(kGcc), 0U);
  EXPECT_EQ(book_.idle(now_), (std::vector<LeaseId>{{1, 1}})) << "used up: released at once";
  EXPECT_TRUE(book_.idle(now_).empty());
  book_.add(kGcc, held(2, "a"), now_);
  now_ += seconds(58);
  EXPECT_EQ(take(kGcc), 0U) << "too near to its end";
}

TEST_F(LeaseBookTest, asks_for_what_waits_and_renews_before_the_end) {
  EXPECT_EQ(book_.wanted(kGcc, 3, 1, now_), 2U);
  book_.add(kGcc, held(1, "a", 4), now_);
  EXPECT_EQ(take(kGcc), 1U);
  EXPECT_EQ(book_.wanted(kGcc, 0, 0, now_), 1U) << "three tasks left: the next lease is due";
  EXPECT_EQ(book_.wanted(kGcc, 0, 1, now_), 0U);
}

TEST_F(LeaseBookTest, a_renewal_that_has_come_is_not_asked_for_again) {
  book_.add(kGcc, held(1, "a", 4), now_);
  EXPECT_EQ(take(kGcc), 1U);
  EXPECT_EQ(book_.wanted(kGcc, 0, 0, now_), 1U);
  book_.add(kGcc, held(2, "a"), now_);
  EXPECT_EQ(book_.wanted(kGcc, 0, 0, now_), 0U) << "it lies there, ready";
  EXPECT_EQ(take(kGcc), 2U);
  EXPECT_EQ(book_.wanted(kGcc, 0, 0, now_), 1U);
}

TEST_F(LeaseBookTest, the_leases_of_a_lost_worker_are_released) {
  book_.add(kGcc, held(1, "a"), now_);
  book_.add(kGcc, held(2, "b"), now_);
  book_.drop_worker("a");
  EXPECT_EQ(book_.idle(now_), (std::vector<LeaseId>{{1, 1}}));
  EXPECT_EQ(book_.size(), 1U);
}

TEST_F(LeaseBookTest, idle_leases_are_given_back) {
  book_.add(kGcc, held(1, "a"), now_);
  book_.add(kGcc, held(2, "a"), now_);
  EXPECT_NE(take(kGcc), 0U);
  EXPECT_EQ(*book_.next_deadline(), now_ + seconds(2));
  EXPECT_TRUE(book_.idle(now_ + milliseconds(1999)).empty());
  EXPECT_EQ(book_.idle(now_ + seconds(2)).size(), 1U);
  EXPECT_EQ(book_.size(), 1U) << "the one in use stays";
}

TEST_F(LeaseBookTest, a_refused_lease_is_gone) {
  book_.add(kGcc, held(1, "a"), now_);
  EXPECT_EQ(take(kGcc), 1U);
  book_.spoil({1, 1});
  book_.give_back({1, 1}, now_);
  EXPECT_EQ(book_.size(), 0U);
  EXPECT_EQ(book_.idle(now_).size(), 1U) << "the coordinator must be told";
}

}  // namespace
}  // namespace kiln::client
