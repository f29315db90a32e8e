#include "client/cli/top_screen.h"

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

TEST(Repaint, clears_what_is_not_known_and_draws_each_line) {
  EXPECT_EQ(repaint(std::nullopt, {"one", "two"}),
            "\x1b[H\x1b[2J\x1b[1;1Hone\x1b[K\x1b[2;1Htwo\x1b[K");
}

TEST(Repaint, draws_only_the_lines_that_are_others) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(repaint(Lines{"one", "two", "three"}, {"one", "2", "three"}), "\x1b[2;1H2\x1b[K");
  EXPECT_EQ(repaint(Lines{"one"}, {"one"}), "");
  EXPECT_EQ(repaint(Lines{"one"}, {"one", "two"}), "\x1b[2;1Htwo\x1b[K");
}

}  // namespace
}  // namespace kiln::client
