#include "common/net/silence.h"

#include <gtest/gtest.h>

namespace kiln::net {
namespace {

TEST(Silence, it_grows_until_something_is_heard) {
  const TimePoint begin{seconds(100)};
  SilenceWatch watch(begin);
  EXPECT_EQ(watch.silence(begin + seconds(3)), seconds(3));
  watch.heard(begin + seconds(2));
  EXPECT_EQ(watch.silence(begin + seconds(3)), seconds(1));
}

TEST(Silence, a_standstill_of_our_own_is_no_silence_of_the_peers) {
  const TimePoint begin{seconds(100)};
  SilenceWatch watch(begin);
  EXPECT_FALSE(watch.beat(begin + seconds(1)));
  EXPECT_EQ(watch.silence(begin + seconds(1)), seconds(1));
  EXPECT_TRUE(watch.beat(begin + seconds(10)));
  EXPECT_EQ(watch.silence(begin + seconds(10)), Duration::zero());
}

}  // namespace
}  // namespace kiln::net
