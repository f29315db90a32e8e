#include "worker/server/initialiser.h"

#include <gtest/gtest.h>

namespace kiln::worker {
namespace {

TEST(LastLines, are_whole) {
  EXPECT_EQ(last_lines("", 4), "");
  EXPECT_EQ(last_lines("one\ntwo\n", 8), "one\ntwo\n");
  EXPECT_EQ(last_lines("one\ntwo\n", 7), "two\n");
  EXPECT_EQ(last_lines("one\ntwo\n", 4), "two\n");
  EXPECT_EQ(last_lines("one\ntwo", 5), "two");
}

TEST(LastLines, of_a_line_that_is_too_long_its_end_is_told) {
  EXPECT_EQ(last_lines("one\ntwo\n", 3), "wo\n");
  EXPECT_EQ(last_lines("0123456789", 3), "789");
}

}  // namespace
}  // namespace kiln::worker
