#include "client/cli/slot_meter.h"

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

std::string bar(const SlotUse& use, std::size_t cells = 8) {
  return plain_text(slot_meter(use, cells));
}

TEST(SlotMeter, says_by_characters_what_the_slots_do) {
  EXPECT_EQ(bar({4, 2, 1, 0}), "[####==..]");
  EXPECT_EQ(bar({4, 0, 4, 0}), "[========]");
  EXPECT_EQ(bar({4, 0, 0, 0}), "[........]");
  EXPECT_EQ(bar({4, 4, 0, 7}), "[########]>7");
}

TEST(SlotMeter, shows_each_part_that_there_is_however_small) {
  EXPECT_EQ(bar({1000, 1, 1, 0}), "[#=......]");
  EXPECT_EQ(bar({1000, 998, 1, 0}), "[######=.]");
  EXPECT_EQ(bar({1000, 999, 1, 0}), "[#######=]");
  EXPECT_EQ(bar({1000, 998, 1, 0}, 1), "[#=.]") << "three cells at least";
}

TEST(SlotMeter, takes_more_tasks_than_slots_for_all_slots_busy) {
  EXPECT_EQ(bar({2, 3, 9, 0}), "[########]");
  EXPECT_EQ(bar({0, 0, 0, 0}), "[        ]");
  EXPECT_EQ(ready_slots({4, 1, 9, 0}), 3U);
  EXPECT_EQ(cold_slots({4, 1, 2, 0}), 1U);
}

TEST(SlotMeter, has_a_colour_for_each_part_besides) {
  const StyledLine line = slot_meter({4, 2, 1, 3}, 8);
  const StyledLine expected = {{"["}, {"####", Look::warning}, {"==", Look::good}, {".."},
                               {"]"}, {">3", Look::bad}};
  EXPECT_EQ(line, expected);
}

}  // namespace
}  // namespace kiln::client
