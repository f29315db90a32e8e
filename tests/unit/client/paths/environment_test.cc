#include "client/paths/environment.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::client {
namespace {

TEST(Environment, reads_entries_in_order_and_drops_what_is_no_variable) {
  const std::array<const char*, 5> entries = {"A=1", "broken", "B==x", "A=2", nullptr};
  const Environment environment = read_environment(entries.data());
  EXPECT_THAT(environment, testing::ElementsAre(testing::Pair("A", "1"), testing::Pair("B", "=x"),
                                                testing::Pair("A", "2")));
  EXPECT_EQ(value_of(environment, "A"), "1");
  EXPECT_EQ(find_value(environment, "C"), std::nullopt);
}

TEST(Environment, a_switch_is_off_when_empty_or_zero) {
  const Environment environment = {{"ON", "1"}, {"EMPTY", ""}, {"ZERO", "0"}};
  EXPECT_TRUE(is_switched_on(environment, "ON"));
  EXPECT_FALSE(is_switched_on(environment, "EMPTY"));
  EXPECT_FALSE(is_switched_on(environment, "ZERO"));
  EXPECT_FALSE(is_switched_on(environment, "MISSING"));
}

TEST(Environment, a_switch_that_is_on_by_default_is_off_by_these_words) {
  for (const char* word : {"0", "no", "off", "false", "FALSE", "Off"})
    EXPECT_TRUE(is_switched_off({{"X", word}}, "X")) << word;
  for (const char* word : {"", "1", "yes", "on", "true"})
    EXPECT_FALSE(is_switched_off({{"X", word}}, "X")) << word;
  EXPECT_FALSE(is_switched_off({}, "X"));
}

TEST(Environment, the_agent_gets_the_machines_settings_and_not_the_calls) {
  const Environment kept = agent_environment({{"HOME", "/h"},
                                              {"LD_PRELOAD", "x.so"},
                                              {"MAKEFLAGS", "-j --jobserver-auth=3,4"},
                                              {"LANG", "de_DE.UTF-8"},
                                              {"KILN_MODE", "local"},
                                              {"KILN_DISABLE", "1"},
                                              {"KILN_FALLBACK", "0"},
                                              {"KILN_BUILD", "b"},
                                              {"KILN_HELD_SLOT", "1"},
                                              {"KILN_COORDINATOR", "c"},
                                              {"XDG_RUNTIME_DIR", "/r"}});
  EXPECT_THAT(kept, testing::ElementsAre(testing::Pair("HOME", "/h"),
                                         testing::Pair("KILN_COORDINATOR", "c"),
                                         testing::Pair("XDG_RUNTIME_DIR", "/r")));
}

}  // namespace
}  // namespace kiln::client
