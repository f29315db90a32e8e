#include "client/paths/root_view.h"

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

TEST(RootView, a_process_sees_its_own_root) {
  const RootView own = own_root_view();
  EXPECT_NE(own.inode, 0U);
  EXPECT_TRUE(same_root(own, own_root_view()));
}

TEST(RootView, another_root_or_mount_namespace_differs) {
  const RootView one{1, 2, 3};
  EXPECT_TRUE(same_root(one, {1, 2, 3}));
  EXPECT_FALSE(same_root(one, {4, 2, 3}));
  EXPECT_FALSE(same_root(one, {1, 4, 3}));
  EXPECT_FALSE(same_root(one, {1, 2, 4}));
}

TEST(RootView, what_is_unknown_decides_nothing) {
  EXPECT_TRUE(same_root({1, 2, 3}, {}));
  EXPECT_TRUE(same_root({1, 2, 0}, {1, 2, 3}));
  EXPECT_FALSE(same_root({1, 2, 0}, {1, 4, 3}));
}

}  // namespace
}  // namespace kiln::client
