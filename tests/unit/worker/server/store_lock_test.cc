#include "worker/server/store_lock.h"

#include <fstream>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"

namespace kiln::worker {
namespace {

using testing::HasSubstr;

TEST(StoreLock, a_directory_has_one_owner_at_a_time) {
  const test_support::TemporaryDirectory there;
  const auto store = there.path() / "a" / "b";
  auto first = StoreLock::take(store);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->directory(), store);
  const auto second = StoreLock::take(store);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::already_exists);
  EXPECT_THAT(second.error().message, HasSubstr(store.string()));
  *first = StoreLock();
  EXPECT_TRUE(StoreLock::take(store));
}

TEST(StoreLock, each_worker_of_a_pool_has_a_store_of_its_own) {
  const test_support::TemporaryDirectory pool;
  const auto one = StoreLock::take_first(pool.path());
  const auto two = StoreLock::take_first(pool.path());
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->directory(), pool.path() / "0");
  EXPECT_EQ(two->directory(), pool.path() / "1");
}

TEST(StoreLock, who_comes_back_to_a_pool_gets_the_store_that_was_left) {
  const test_support::TemporaryDirectory pool;
  auto one = StoreLock::take_first(pool.path());
  const auto two = StoreLock::take_first(pool.path());
  ASSERT_TRUE(one && two);
  std::ofstream(one->directory() / "blob") << "kept";
  *one = StoreLock();
  const auto again = StoreLock::take_first(pool.path());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->directory(), pool.path() / "0");
  EXPECT_TRUE(std::filesystem::exists(again->directory() / "blob"));
}

// Else a file where a store should be would have it skipped, and hide what is wrong.
TEST(StoreLock, a_place_in_a_pool_that_cannot_be_a_store_is_an_error) {
  const test_support::TemporaryDirectory pool;
  std::ofstream(pool.path() / "0") << "in the way";
  const auto refused = StoreLock::take_first(pool.path());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().code, Errc::already_exists);
  EXPECT_FALSE(std::filesystem::exists(pool.path() / "1"));
}

}  // namespace
}  // namespace kiln::worker
