#include "worker/sandbox/tail.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace kiln::worker {
namespace {

TEST(Tail, keeps_all_of_what_is_short) {
  Tail tail(8);
  EXPECT_EQ(tail.text(), "");
  tail.add("");
  tail.add("abc");
  tail.add("defgh");
  EXPECT_EQ(tail.text(), "abcdefgh");
}

TEST(Tail, keeps_the_end_of_what_is_long) {
  Tail tail(8);
  tail.add("0123456789");
  EXPECT_EQ(tail.text(), "23456789");
  tail.add("ab");
  EXPECT_EQ(tail.text(), "456789ab");
}

// Whatever the pieces that it comes in, before, at and after each turn of the ring.
TEST(Tail, is_the_same_for_all_ways_to_cut_a_text) {
  std::string text;
  for (int i = 0; i < 20; ++i) text += std::to_string(1000 + i) + "\n";
  for (std::size_t most = 1; most <= 12; ++most) {
    for (std::size_t piece = 1; piece <= 14; ++piece) {
      Tail tail(most);
      for (std::size_t at = 0; at < text.size(); at += piece) {
        tail.add(std::string_view(text).substr(at, piece));
        const std::string so_far = text.substr(0, at + piece);
        const auto kept = std::min(most, so_far.size());
        ASSERT_EQ(tail.text(), so_far.substr(so_far.size() - kept)) << most << " by " << piece;
      }
    }
  }
}

}  // namespace
}  // namespace kiln::worker
