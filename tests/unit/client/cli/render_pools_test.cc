#include "client/cli/render_pools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace kiln::client {
namespace {

using testing::HasSubstr;
using testing::Not;

Json node(const std::string& name, int ready, int wanted) {
  return {{"node", name},
          {"state", "ready"},
          {"wanted", wanted},
          {"answered", true},
          {"lacks", 0},
          {"pool",
           {{"state", ready > 0 ? "ready" : "warming"},
            {"ready", ready},
            {"busy", 0},
            {"executors", 4},
            {"context", "fork"},
            {"stage_ms", 1200.0},
            {"start_ms", 12.5},
            {"initialise_ms", 3.0}}}};
}

Json answer_with(std::vector<Json> nodes) {
  const Json pool = {{"name", "cc"},
                     {"context", "fork"},
                     {"executors", 4},
                     {"selector", {"zone=a"}},
                     {"nodes", std::move(nodes)}};
  return {{"pools", {pool}}};
}

TEST(Warmth, is_there_when_every_node_has_what_is_wanted_of_it) {
  EXPECT_TRUE(warmth_of(answer_with({node("n1", 4, 4), node("n2", 2, 2)})).settled);
  auto busy = node("n1", 1, 4);
  busy["pool"]["busy"] = 3;
  EXPECT_TRUE(warmth_of(answer_with({busy})).settled);
}

TEST(PoolConformance, row_4_waiting_says_what_it_waits_for) {
  auto staging = node("n2", 0, 2);
  staging["lacks"] = 1;
  auto silent = node("n3", 4, 4);
  silent["answered"] = false;
  const auto warmth = warmth_of(answer_with({node("n1", 1, 4), staging, silent}));
  EXPECT_FALSE(warmth.settled);
  EXPECT_EQ(warmth.waits_for,
            "n1: 1 of 4 executors ready; n2: staging 1 toolchain; n3: has not answered yet");
  EXPECT_THAT(warmth_of(answer_with({})).waits_for, HasSubstr("a node"));
}

TEST(Warmth, nodes_that_are_gone_or_broken_are_not_waited_for) {
  auto gone = node("n1", 0, 4);
  gone["state"] = "lost";
  auto broken = node("n2", 0, 4);
  broken["pool"]["state"] = "broken";
  const auto warmth = warmth_of(answer_with({gone, broken, node("n3", 1, 1)}));
  EXPECT_TRUE(warmth.settled);
  EXPECT_TRUE(warmth.broken);
  EXPECT_FALSE(warmth_of(answer_with({gone})).settled) << "no node lives";
}

TEST(PoolConformance, row_1_the_answer_shows_steps_and_readiness_of_each_node) {
  const auto text = render_pool(answer_with({node("n1", 4, 4)}), {}).text;
  EXPECT_THAT(text, HasSubstr("cc: fork, 4 executors a node, zone=a"));
  EXPECT_THAT(text, HasSubstr("NODE  STATE  READY  BUSY  STAGE  START  INIT"));
  EXPECT_THAT(text, HasSubstr("4/4"));
  EXPECT_THAT(text, HasSubstr("1.2 s"));
}

TEST(RenderPool, a_broken_node_shows_why_and_the_last_output) {
  auto broken = node("n2", 0, 4);
  broken["pool"]["state"] = "broken";
  broken["pool"]["reason"] = "the initializer's step 1 exited with 3";
  broken["pool"]["output"] = "no licence";
  const auto shown = render_pool(answer_with({broken}), {});
  EXPECT_FALSE(shown.ok);
  EXPECT_THAT(shown.text, HasSubstr("n2: the initializer's step 1 exited with 3"));
  EXPECT_THAT(shown.text, HasSubstr("output: no licence"));
}

TEST(RenderPool, a_context_that_could_not_be_had_is_shown) {
  auto other = node("n1", 4, 4);
  other["pool"]["context"] = "spawn";
  other["pool"]["fallback"] = "static program";
  EXPECT_THAT(render_pool(answer_with({other}), {}).text,
              HasSubstr("spawn instead of fork: static program"));
  EXPECT_THAT(render_pool(answer_with({node("n1", 4, 4)}), {}).text, Not(HasSubstr("instead")));
}

TEST(RenderPools, sums_up_the_nodes) {
  const auto text = render_pools(answer_with({node("n1", 4, 4), node("n2", 3, 4)}), {}).text;
  EXPECT_THAT(text, HasSubstr("cc    fork         2      7"));
  EXPECT_EQ(render_pools({{"pools", Json::array()}}, {}).text, "no pools\n");
}

TEST(RenderWarmed, says_what_of_the_build_travels) {
  Json answer = answer_with({node("n1", 4, 4)});
  answer["plan"] = {{"calls", 3}, {"travel", 2}, {"local", {{"preprocess_only", 1}}}};
  const auto text = render_warmed(answer, {}).text;
  EXPECT_THAT(text, HasSubstr("3 calls, of which 2 travel; here: preprocess_only 1"));
  EXPECT_THAT(render_warmed({{"pools", Json::array()}}, {}).text, HasSubstr("nothing was warmed"));
}

}  // namespace
}  // namespace kiln::client
