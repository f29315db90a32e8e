#include "client/cli/pool_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/cli/warm_window.h"

namespace kiln::client {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

json created(const std::vector<std::string>& words) {
  std::vector<std::string> all = {"pool", "create"};
  all.insert(all.end(), words.begin(), words.end());
  const auto line = parse_pool_words(all);
  EXPECT_TRUE(line) << (line ? "" : line.error().message);
  if (!line) return {};
  EXPECT_EQ(line->name, "pool");
  EXPECT_EQ(line->arguments.front(), "create");
  return json::parse(line->arguments.at(1));
}

std::string refusal_of(const std::vector<std::string>& words) {
  const auto line = parse_pool_words(words);
  if (line) return "no error";
  EXPECT_EQ(line.error().code, Errc::invalid_argument);
  return line.error().message;
}

TEST(PoolWords, every_option_of_create_becomes_its_member) {
  const json pool = created({"cc",
                             "--context",
                             "forkserver",
                             "--init",
                             "warm-up --fast 'a b'",
                             "--init",
                             "true",
                             "--executors",
                             "4",
                             "--nodes",
                             "zone=a,!spot",
                             "--warm",
                             "8",
                             "--min-warm",
                             "2",
                             "--idle",
                             "10m",
                             "--limit",
                             "time=5m,memory=2G",
                             "--toolchain",
                             "g++",
                             "--toolchain=clang",
                             "--env",
                             "A=b=c",
                             "--keep",
                             "/usr/bin/as",
                             "--probe",
                             "cc --version",
                             "--init-timeout",
                             "90s",
                             "--window",
                             "mon-fri 8:00-20:00 16"});
  EXPECT_EQ(pool, json::parse(R"({
    "name": "cc", "context": "forkserver",
    "init": [["warm-up", "--fast", "a b"], ["true"]],
    "executors": 4, "nodes": ["zone=a", "!spot"], "warm": 8, "all": false, "min_warm": 2,
    "idle_ms": 600000, "limits": {"wall_ms": 300000, "memory_bytes": 2147483648},
    "toolchains": ["g++", "clang"], "environment": {"A": "b=c"},
    "keep_resident": ["/usr/bin/as"], "probe": ["cc", "--version"], "init_limit_ms": 90000,
    "windows": [{"days": 31, "from_minute": 480, "to_minute": 1200, "ready": 16}]})"));
}

TEST(PoolWords, only_who_asks_for_warmth_waits_for_it) {
  EXPECT_FALSE(parse_pool_words({"pool", "create", "cc"})->waits);
  EXPECT_FALSE(parse_pool_words({"pool", "create", "cc", "--min-warm", "2"})->waits);
  EXPECT_TRUE(parse_pool_words({"pool", "create", "cc", "--warm", "2"})->waits);
  EXPECT_TRUE(parse_pool_words({"pool", "create", "cc", "--warm=all"})->waits);
  EXPECT_TRUE(parse_pool_words({"pool", "warm", "cc"})->waits);
  EXPECT_TRUE(parse_pool_words({"pool", "wake", "cc"})->waits);
  EXPECT_FALSE(parse_pool_words({"pool", "quiesce", "cc"})->waits);
  EXPECT_TRUE(parse_pool_words({"warm", "g++"})->waits);
  EXPECT_EQ(parse_pool_words({"pool", "warm", "cc", "--timeout", "2s"})->timeout, seconds(2));
}

TEST(PoolWords, who_does_not_wait_has_no_time_for_it) {
  using Words = std::vector<std::string>;
  for (const auto& words :
       {Words{"pools"}, Words{"pool", "show", "cc"}, Words{"pool", "quiesce", "cc"},
        Words{"pool", "resize", "cc", "4"}, Words{"pool", "delete", "cc"}}) {
    Words timed = words;
    timed.insert(timed.end(), {"--timeout", "2s"});
    const auto line = parse_pool_words(timed);
    ASSERT_FALSE(line) << words.back();
    EXPECT_THAT(line.error().message, HasSubstr("--timeout"));
  }
}

TEST(PoolWords, the_number_that_is_waited_for_is_kept) {
  EXPECT_EQ(parse_pool_words({"pool", "create", "cc", "--warm", "2"})->warm, 2U);
  EXPECT_EQ(parse_pool_words({"pool", "create", "cc", "--warm=all"})->warm, 0U);
  EXPECT_EQ(parse_pool_words({"pool", "warm", "cc", "8"})->warm, 8U);
  EXPECT_EQ(parse_pool_words({"pool", "warm", "cc"})->warm, 0U);
  EXPECT_EQ(parse_pool_words({"pool", "wake", "cc"})->warm, 0U);
  EXPECT_EQ(parse_pool_words({"warm", "--executors", "3", "clang"})->warm, 3U);
  EXPECT_EQ(parse_pool_words({"warm", "clang"})->warm, 0U);
}

TEST(PoolWords, other_actions_carry_their_words) {
  EXPECT_THAT(parse_pool_words({"pool", "warm", "cc"})->arguments,
              ElementsAre("warm", "cc", "all"));
  EXPECT_THAT(parse_pool_words({"pool", "resize", "cc", "8"})->arguments,
              ElementsAre("resize", "cc", "8"));
  EXPECT_THAT(parse_pool_words({"pool", "delete", "--json", "cc"})->arguments,
              ElementsAre("delete", "cc"));
  const auto warm = parse_pool_words(
      {"warm", "--compile-commands", "db.json", "--pool=cc", "--executors", "3", "clang"});
  ASSERT_EQ(warm->arguments.size(), 2U);
  EXPECT_EQ(json::parse(warm->arguments[0]),
            json::parse(R"({"name": "cc", "warm": 3, "all": false, "toolchains": ["clang"]})"));
  EXPECT_EQ(warm->arguments[1], "db.json");
  EXPECT_TRUE(parse_pool_words({"pools", "--json"})->json);
  EXPECT_EQ(parse_pool_words({"pool", "create", "--help"})->kind, PeopleCommand::Kind::help);
}

TEST(PoolWords, what_is_wrong_is_named_with_how_it_is_right) {
  EXPECT_THAT(refusal_of({"pool"}), HasSubstr("create, show, warm"));
  EXPECT_THAT(refusal_of({"pool", "crate"}), HasSubstr("did you mean 'create'?"));
  EXPECT_THAT(refusal_of({"pool", "create"}), HasSubstr("kiln pool create cc"));
  EXPECT_THAT(refusal_of({"pool", "create", "a", "b"}), HasSubstr("name one pool"));
  EXPECT_THAT(refusal_of({"pool", "create", "a", "--contxt", "fork"}),
              HasSubstr("did you mean '--context'?"));
  EXPECT_THAT(refusal_of({"pool", "create", "a", "--context", "thread"}),
              HasSubstr("use spawn, fork or forkserver"));
  EXPECT_THAT(refusal_of({"pool", "create", "a", "--executors", "many"}), HasSubstr("--executors"));
  EXPECT_THAT(refusal_of({"pool", "create", "a", "--idle"}), HasSubstr("needs a value"));
  EXPECT_THAT(refusal_of({"pool", "create", "a", "--limit", "cpu=1"}),
              HasSubstr("time=10m,memory=2G"));
  EXPECT_THAT(refusal_of({"pool", "create", "a", "--init", "a 'b"}), HasSubstr("quote"));
  EXPECT_THAT(refusal_of({"pool", "create", "a", "--env", "A"}), HasSubstr("NAME=VALUE"));
  EXPECT_THAT(refusal_of({"pool", "resize", "a"}), HasSubstr("kiln pool resize cc 8"));
  EXPECT_THAT(refusal_of({"pool", "create", "a", "--limit", "time"}),
              HasSubstr("--limit: \"time\" says no time; write it as in time=10m"));
  EXPECT_THAT(refusal_of({"pool", "create", "a", "--limit", "time="}), HasSubstr("says no time"));
  EXPECT_THAT(refusal_of({"pool", "create", "a", "--limit="}), HasSubstr("no limit is named"));
  EXPECT_THAT(refusal_of({"pool", "create", "a", "--limit", "time=soon"}),
              HasSubstr("\"soon\" is not a duration"));
  EXPECT_THAT(refusal_of({"pool", "create", "a", "--keep", "/f", "--keep", "/f"}),
              HasSubstr("--keep: \"/f\" is named twice"));
  EXPECT_THAT(refusal_of({"pool", "create", "a", "--context", "forkserver"}),
              HasSubstr("none is named; add one, as --toolchain clang"));
  EXPECT_THAT(refusal_of({"warm"}), HasSubstr("--compile-commands"));
  EXPECT_THAT(refusal_of({"pools", "cc"}), HasSubstr("kiln pool show cc"));
}

TEST(PoolWords, negative_numbers_are_wrong_numbers_and_no_options) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"pool", "create", "a", "--executors", "-1"},
        {"pool", "create", "a", "--warm=-1"},
        {"pool", "create", "a", "--min-warm", "-1"},
        {"pool", "resize", "a", "-1"},
        {"pool", "warm", "a", "-1"},
        {"warm", "g++", "--executors", "-1"}})
    EXPECT_THAT(refusal_of(words),
                HasSubstr("\"-1\" is not a number that fits here; write one from"))
        << words.back();
  EXPECT_THAT(refusal_of({"pool", "resize", "a", "5000"}), HasSubstr("from 0 to 4096"));
  EXPECT_THAT(refusal_of({"pool", "warm", "a", "most"}), HasSubstr("kiln pool warm: \"most\""));
}

TEST(PoolWords, limits_may_be_given_one_by_one) {
  EXPECT_EQ(created({"a", "--limit", "time=1s", "--limit", "output=1K"})["limits"],
            json::parse(R"({"wall_ms": 1000, "output_bytes": 1024})"));
}

TEST(WarmWindow, days_and_hours) {
  EXPECT_EQ((*warm_window_of("sat,sun 22:30-6:00 4")),
            json::parse(R"({"days": 96, "from_minute": 1350, "to_minute": 360, "ready": 4})"));
  EXPECT_EQ((*warm_window_of("daily 0:00-24:00 1"))["to_minute"], 0);
  EXPECT_EQ((*warm_window_of("fri-mon 1:00-2:00 1"))["days"], 0b1110001);
  for (const char* bad : {"", "mon", "mon 8-20 4", "mon 8:00-25:00 4", "mon 8:00-20:00 0",
                          "moon 8:00-9:00 1", "mon 8:00-9:00 1 2", "mon 8:00-24:30 1"})
    EXPECT_FALSE(warm_window_of(bad)) << bad;
}

}  // namespace
}  // namespace kiln::client
