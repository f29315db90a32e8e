#include "common/base/log_levels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln {
namespace {

using testing::HasSubstr;

const LogParts kSome = {"main", "pools", "relay"};

std::string why_wrong(std::string_view text) {
  const auto levels = parse_log_levels(text, kSome);
  return levels ? "" : levels.error().message;
}

TEST(LogLevels, a_level_alone_is_that_of_all_parts_but_the_named_ones) {
  const auto levels = parse_log_levels("pools=debug, info ,relay=off,pools=error", kSome);
  ASSERT_TRUE(levels);
  EXPECT_EQ(levels->of("main"), LogLevel::info);
  EXPECT_EQ(levels->of("relay"), LogLevel::off);
  EXPECT_EQ(levels->of("pools"), LogLevel::error) << "the last word counts";
  EXPECT_EQ(parse_log_levels("pools=debug", kSome)->of("main"), std::nullopt);
}

TEST(LogLevels, what_is_wrong_is_named_with_what_would_be_right) {
  EXPECT_THAT(why_wrong("info,pool=debug"),
              HasSubstr("called \"pool\"; there are main, pools, relay"));
  EXPECT_THAT(why_wrong("pools=loud"), HasSubstr("level \"loud\"; use debug, info"));
  EXPECT_THAT(why_wrong(""), HasSubstr("level \"\""));
  EXPECT_THAT(why_wrong("info,"), HasSubstr("level \"\""));
  EXPECT_THAT(why_wrong("=info"), HasSubstr("called \"\""));
  EXPECT_THAT(why_wrong("info,debug"), HasSubstr("two levels for all parts, info and debug"));
}

}  // namespace
}  // namespace kiln
