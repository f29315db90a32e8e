#include "common/config/state_directory.h"

#include <gtest/gtest.h>

namespace kiln::config {
namespace {

TEST(StateDirectory, is_the_systems_for_root_and_the_users_own_for_others) {
  EXPECT_EQ(state_directory("worker", true, "/state", "/home/a"), "/var/lib/kiln/worker");
  EXPECT_EQ(state_directory("worker", false, "/state", "/home/a"), "/state/kiln/worker");
  EXPECT_EQ(state_directory("worker", false, "", "/home/a"), "/home/a/.local/state/kiln/worker");
  EXPECT_EQ(state_directory("worker", false, "relative", "/home/a"),
            "/home/a/.local/state/kiln/worker");
  EXPECT_EQ(state_directory("worker", false, "", ""), "./.local/state/kiln/worker");
}

}  // namespace
}  // namespace kiln::config
