#include "client/timeline/lanes.h"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Lanes, of_nothing_there_are_none) {
  EXPECT_THAT(assign_lanes({}), IsEmpty());
}

TEST(Lanes, what_does_not_overlap_shares_one) {
  EXPECT_THAT(assign_lanes({{0, 5}, {5, 9}, {20, 30}}), ElementsAre(0, 0, 0));
}

TEST(Lanes, what_overlaps_does_not) {
  EXPECT_THAT(assign_lanes({{0, 10}, {3, 6}, {5, 12}}), ElementsAre(0, 1, 2));
}

TEST(Lanes, the_lowest_that_is_free_is_taken) {
  EXPECT_THAT(assign_lanes({{0, 10}, {1, 4}, {2, 20}, {4, 6}, {11, 12}}),
              ElementsAre(0, 1, 2, 1, 0));
}

TEST(Lanes, the_order_of_the_spans_does_not_matter) {
  EXPECT_THAT(assign_lanes({{5, 12}, {3, 6}, {0, 10}}), ElementsAre(2, 1, 0));
}

TEST(Lanes, empty_spans_are_in_nobodys_way) {
  EXPECT_THAT(assign_lanes({{0, 5}, {5, 5}, {5, 5}, {5, 7}}), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(assign_lanes({{0, 5}, {2, 2}}), ElementsAre(0, 1));
}

TEST(Lanes, never_overlap_and_are_never_more_than_is_needed) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<Span> spans;
    for (int i = 0; i < 60; ++i) {
      const auto begin = static_cast<std::int64_t>(random() % 100);
      spans.push_back({begin, begin + 1 + static_cast<std::int64_t>(random() % 20)});
    }
    const auto lanes = assign_lanes(spans);
    std::size_t busiest = 0;
    for (std::size_t i = 0; i < spans.size(); ++i) {
      std::size_t at_once = 0;
      for (std::size_t other = 0; other < spans.size(); ++other) {
        const bool overlaps =
            spans[i].begin < spans[other].end && spans[other].begin < spans[i].end;
        ASSERT_FALSE(other != i && overlaps && lanes[i] == lanes[other]) << "round " << round;
        at_once += spans[other].begin <= spans[i].begin && spans[i].begin < spans[other].end;
      }
      busiest = std::max(busiest, at_once);
    }
    EXPECT_EQ(*std::max_element(lanes.begin(), lanes.end()) + 1, busiest);
  }
}

}  // namespace
}  // namespace kiln::client
