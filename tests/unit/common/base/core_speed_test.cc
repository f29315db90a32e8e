#include "common/base/core_speed.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

TEST(CoreSpeed, the_program_is_the_same_on_every_node) {
  EXPECT_EQ(run_speed_program(), 5374469417222394555U);
}

TEST(CoreSpeed, is_that_of_a_machine_that_there_is) {
  const double speed = measure_core_speed();
  EXPECT_GT(speed, 0.001);
  EXPECT_LT(speed, 100);
}

}  // namespace
}  // namespace kiln
