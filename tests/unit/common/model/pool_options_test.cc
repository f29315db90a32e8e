#include "common/model/pool_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(PoolOptions, say_all_of_a_definition) {
  PoolSpec spec;
  spec.context = PoolContext::forkserver;
  spec.init = {{"/bin/sh", "-c", "echo 'a'"}, {"/bin/true", ""}};
  spec.init_limit_ms = 90'000;
  spec.keep_resident = {"/usr/bin/as"};
  spec.toolchains = {{"g++", "", "", {}}, {"clang", "", "", {}}};
  spec.executors = 4;
  spec.nodes = {"zone=a", "!spot"};
  spec.min_warm = 2;
  spec.windows = {{0b0011111, 480, 1200, 16}, {0x7f, 90, 0, 1}};
  spec.idle_ms = 600'000;
  spec.limits = {1'500, 2ULL << 30, 1'000'000};
  spec.environment = {{"A", "b=c"}};
  spec.probe = {"cc", "--version"};
  EXPECT_THAT(
      options_of(spec),
      ElementsAre(Pair("--context", "forkserver"), Pair("--toolchain", "g++"),
                  Pair("--toolchain", "clang"), Pair("--init", "/bin/sh -c \"echo 'a'\""),
                  Pair("--init", "/bin/true \"\""), Pair("--init-timeout", "90s"),
                  Pair("--probe", "cc --version"), Pair("--keep", "/usr/bin/as"),
                  Pair("--env", "A=b=c"), Pair("--executors", "4"), Pair("--nodes", "zone=a,!spot"),
                  Pair("--min-warm", "2"), Pair("--window", "mon-fri 8:00-20:00 16"),
                  Pair("--window", "daily 1:30-24:00 1"), Pair("--idle", "10m"),
                  Pair("--limit", "time=1500ms,memory=2G,output=1000000")));
}

TEST(PoolOptions, leave_out_what_is_as_without_them) {
  EXPECT_THAT(options_of({}), ElementsAre(Pair("--context", "spawn")));
}

TEST(PoolOptions, words_with_both_quotes_can_be_read_again) {
  PoolSpec spec;
  spec.probe = {"echo", "it's \"so\""};
  EXPECT_EQ(options_of(spec).back().second, "echo 'it'\"'\"'s \"so\"'");
}

TEST(PoolOptions, days_that_follow_one_another_are_a_range) {
  PoolSpec spec;
  spec.windows = {{0b1101001, 0, 60, 1}};
  EXPECT_EQ(options_of(spec).back().second, "mon,thu,sat-sun 0:00-1:00 1");
}

TEST(DurationText, has_the_largest_unit_that_takes_a_whole_number) {
  EXPECT_EQ(duration_text(0), "0s");
  EXPECT_EQ(duration_text(250), "250ms");
  EXPECT_EQ(duration_text(90'000), "90s");
  EXPECT_EQ(duration_text(600'000), "10m");
  EXPECT_EQ(duration_text(7'200'000), "2h");
}

}  // namespace
}  // namespace kiln
