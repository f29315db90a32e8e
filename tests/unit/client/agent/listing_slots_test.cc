#include "client/agent/listing_slots.h"

#include <gtest/gtest.h>

#include "tests/unit/client/temporary_directory.h"

namespace kiln::client {
namespace {

class ListingSlots : public testing::Test {
 protected:
  LocalSlots open(const std::string& lane) const {
    SlotOptions options;
    options.directory = directory_ / "slots";
    options.lane = lane;
    options.count = 1;
    auto slots = LocalSlots::open(options);
    EXPECT_TRUE(slots) << slots.error().message;
    return *slots;
  }
  static CommandSpec command(Environment environment = {}) {
    CommandSpec spec;
    spec.program = "/bin/true";
    spec.environment = std::move(environment);
    return spec;
  }

  const TemporaryDirectory directory_;
};

TEST_F(ListingSlots, local_compiles_do_not_hold_a_listing_up) {
  const auto compiles = open("").acquire(Clock::now() + seconds(10));
  ASSERT_TRUE(compiles);
  const TimePoint begin = Clock::now();
  const auto output = in_lane(open("list-"), seconds(30))(command());
  ASSERT_TRUE(output && output->succeeded());
  EXPECT_LT(Clock::now() - begin, seconds(20));
}

TEST_F(ListingSlots, a_full_lane_is_waited_for_a_moment_only) {
  const auto lane = open("list-");
  const auto hold = lane.acquire(Clock::now() + seconds(10));
  ASSERT_TRUE(hold);
  const TimePoint begin = Clock::now();
  const auto output = in_lane(lane, milliseconds(50))(command());
  ASSERT_TRUE(output && output->succeeded());
  EXPECT_GE(Clock::now() - begin, milliseconds(50));
}

TEST_F(ListingSlots, who_holds_a_slot_waits_for_none) {
  const auto lane = open("list-");
  const auto hold = lane.acquire(Clock::now() + seconds(10));
  ASSERT_TRUE(hold);
  const TimePoint begin = Clock::now();
  const auto output = in_lane(lane, seconds(30))(command({{kHeldSlotVariable, "1"}}));
  ASSERT_TRUE(output && output->succeeded());
  EXPECT_LT(Clock::now() - begin, seconds(20));
}

}  // namespace
}  // namespace kiln::client
