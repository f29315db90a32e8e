#include "common/base/lock_file.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

TEST(LockFile, one_has_it_until_the_descriptor_goes) {
  const test_support::TemporaryDirectory directory;
  const auto path = directory.path() / "lock";
  {
    const auto first = lock_file(path, 0600);
    ASSERT_TRUE(first);
    EXPECT_EQ(lock_file(path, 0600).error().code, Errc::already_exists);
  }
  EXPECT_TRUE(lock_file(path, 0600));
}

TEST(LockFile, one_that_cannot_be_made_is_named) {
  const auto lock = lock_file("/proc/nowhere/lock", 0600);
  ASSERT_FALSE(lock);
  EXPECT_NE(lock.error().code, Errc::already_exists);
  EXPECT_NE(lock.error().message.find("/proc/nowhere/lock"), std::string::npos);
}

}  // namespace
}  // namespace kiln
