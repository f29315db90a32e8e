#include "client/policy/garble_count.h"

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

TEST(GarbleCount, the_third_within_a_minute_is_too_many) {
  GarbleCount count;
  EXPECT_FALSE(count.one_more(TimePoint(seconds(1))));
  EXPECT_FALSE(count.one_more(TimePoint(seconds(30))));
  EXPECT_TRUE(count.one_more(TimePoint(seconds(61))));
}

TEST(GarbleCount, those_of_long_ago_do_not_count) {
  GarbleCount count;
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(count.one_more(TimePoint(seconds(40 * i)))) << i;
  }
}

}  // namespace
}  // namespace kiln::client
