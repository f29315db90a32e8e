#include "client/agent/pool_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/cli/pool_words.h"

namespace kiln::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string error_of(const std::string& text) {
  const auto wishes = pool_wishes_of(text);
  if (wishes) return "no error";
  EXPECT_EQ(wishes.error().code, Errc::invalid_argument);
  return wishes.error().message;
}

TEST(PoolJson, every_member_finds_its_field) {
  const auto wishes = pool_wishes_of(R"({
    "name": "cc", "context": "forkserver", "init": [["a", "b c"], ["d"]], "init_limit_ms": 90000,
    "keep_resident": ["/usr/bin/as"], "toolchains": ["g++", "clang"], "executors": 4,
    "nodes": ["zone=a"], "min_warm": 2,
    "windows": [{"days": 31, "from_minute": 480, "to_minute": 1200, "ready": 16}],
    "idle_ms": 600000, "limits": {"wall_ms": 1, "memory_bytes": 2, "output_bytes": 3},
    "environment": {"A": "b"}, "probe": ["cc", "--version"], "warm": 8, "all": true})");
  ASSERT_TRUE(wishes) << wishes.error().message;
  PoolSpec spec;
  spec.name = "cc";
  spec.context = PoolContext::forkserver;
  spec.init = {{"a", "b c"}, {"d"}};
  spec.init_limit_ms = 90'000;
  spec.keep_resident = {"/usr/bin/as"};
  spec.executors = 4;
  spec.nodes = {"zone=a"};
  spec.min_warm = 2;
  spec.windows = {{31, 480, 1200, 16}};
  spec.idle_ms = 600'000;
  spec.limits = {1, 2, 3};
  spec.environment = {{"A", "b"}};
  spec.probe = {"cc", "--version"};
  EXPECT_EQ(wishes->spec, spec);
  EXPECT_THAT(wishes->commands, ElementsAre("g++", "clang"));
  EXPECT_EQ(wishes->warm, 8U);
  EXPECT_TRUE(wishes->all);
}

// What is shown of a pool makes the same pool when it is given to `kiln pool create`.
TEST(PoolJson, the_options_that_are_shown_make_the_same_pool) {
  PoolSpec spec;
  spec.name = "cc";
  spec.context = PoolContext::forkserver;
  spec.init = {{"/bin/sh", "-c", "echo it's \"so\"; exit 0"}, {"/bin/true", "", "a\tb"}};
  spec.init_limit_ms = 1'500;
  spec.keep_resident = {"/usr/bin/as", "/a b"};
  spec.executors = 4;
  spec.nodes = {"zone=a", "!spot"};
  spec.min_warm = 2;
  spec.windows = {{0b1100011, 480, 0, 16}, {0x7f, 1350, 360, 4}};
  spec.idle_ms = 600'000;
  spec.limits = {90'000, 3ULL << 30, 12'345};
  spec.environment = {{"A", "b=c d"}, {"B", ""}};
  spec.probe = {"/bin/cc", "--version"};
  wire::PoolStatus status;
  status.definition.spec = spec;
  status.definition.spec.toolchains = {{"clang", "/usr/bin/clang", "x86_64", digest_of("clang")}};
  std::vector<std::string> words = {"pool", "create", "cc"};
  const auto shown = json_of(status);
  for (const auto& option : shown["options"])
    words.insert(words.end(), {option[0].get<std::string>(), option[1].get<std::string>()});
  const auto line = parse_pool_words(words);
  ASSERT_TRUE(line) << line.error().message;
  const auto wishes = pool_wishes_of(line->arguments.at(1));
  ASSERT_TRUE(wishes) << wishes.error().message;
  EXPECT_EQ(wishes->spec, spec);
  EXPECT_THAT(wishes->commands, ElementsAre("clang"));
}

TEST(PoolJson, what_cannot_be_read_is_named) {
  EXPECT_THAT(error_of("[]"), HasSubstr("JSON object"));
  EXPECT_THAT(error_of("{"), HasSubstr("JSON object"));
  EXPECT_THAT(error_of(R"({"nam": "x"})"), HasSubstr("no \"nam\""));
  EXPECT_THAT(error_of(R"({"executors": -1})"), HasSubstr("\"executors\" cannot be -1"));
  EXPECT_THAT(error_of(R"({"executors": 4294967296})"), HasSubstr("\"executors\""));
  EXPECT_THAT(error_of(R"({"context": "thread"})"), HasSubstr("cannot be \"thread\""));
  EXPECT_THAT(error_of(R"({"windows": [{"day": 1}]})"), HasSubstr("\"windows\""));
  EXPECT_THAT(error_of(R"({"init": ["true"]})"), HasSubstr("\"init\""));
}

TEST(PoolJson, a_status_shows_definition_and_nodes) {
  wire::PoolStatus status;
  status.definition.spec.name = "cc";
  status.definition.version = 3;
  wire::PoolNode node;
  node.node = "n1";
  node.wanted = 2;
  node.pool.state = PoolState::ready;
  node.pool.start_us = 1500;
  status.nodes.push_back(node);
  const auto shown = json_of(status);
  EXPECT_EQ(shown["name"], "cc");
  EXPECT_EQ(shown["version"], 3);
  EXPECT_EQ(shown["nodes"][0]["node"], "n1");
  EXPECT_EQ(shown["nodes"][0]["pool"]["state"], "ready");
  EXPECT_EQ(shown["nodes"][0]["pool"]["start_ms"], 1.5);
}

}  // namespace
}  // namespace kiln::client
