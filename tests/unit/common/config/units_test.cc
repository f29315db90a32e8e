#include "common/config/units.h"

#include <gtest/gtest.h>

namespace kiln::config {
namespace {

TEST(Units, sizes) {
  EXPECT_EQ(*parse_size("0"), 0);
  EXPECT_EQ(*parse_size("4096"), 4096);
  EXPECT_EQ(*parse_size("64KiB"), 65536);
  EXPECT_EQ(*parse_size("512M"), 536870912);
  EXPECT_EQ(*parse_size("10g"), 10737418240);
  EXPECT_EQ(*parse_size("1TB"), 1099511627776);
}

TEST(Units, sizes_that_are_none) {
  for (const auto* text : {"", "G", "-1", "1.5G", "10X", "10 G", "99999999999T", "10GG"}) {
    EXPECT_EQ(parse_size(text).error().code, Errc::invalid_argument) << text;
  }
}

TEST(Units, durations) {
  EXPECT_EQ(*parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(*parse_duration("10s"), seconds(10));
  EXPECT_EQ(*parse_duration("10m"), std::chrono::minutes(10));
  EXPECT_EQ(*parse_duration("2h"), std::chrono::hours(2));
  EXPECT_EQ(*parse_duration("100us"), std::chrono::microseconds(100));
  EXPECT_EQ(*parse_duration("0"), Duration::zero());
  EXPECT_EQ(*parse_duration("900"), seconds(900));
}

TEST(Units, durations_that_are_none) {
  for (const auto* text : {"", "s", "1.5", "1.5s", "-1s", "10 s", "10d", "99999999999999h"}) {
    const auto duration = parse_duration(text);
    ASSERT_FALSE(duration) << text;
    EXPECT_EQ(duration.error().code, Errc::invalid_argument) << text;
  }
}

TEST(Units, switches_and_numbers) {
  EXPECT_TRUE(*parse_bool("Yes"));
  EXPECT_FALSE(*parse_bool("off"));
  EXPECT_FALSE(parse_bool("2"));
  EXPECT_EQ(*parse_number("7", 1, 7), 7);
  EXPECT_FALSE(parse_number("8", 1, 7));
  EXPECT_FALSE(parse_number("0x7", 1, 7));
}

}  // namespace
}  // namespace kiln::config
