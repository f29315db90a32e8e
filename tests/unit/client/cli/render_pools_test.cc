#include "client/cli/render_pools.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/cli/table.h"

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
  EXPECT_TRUE(warmth_of(answer_with({node("n1", 4, 4), node("n2", 2, 2)}), 0).settled);
  auto busy = node("n1", 1, 4);
  busy["pool"]["busy"] = 3;
  EXPECT_TRUE(warmth_of(answer_with({busy}), 0).settled);
}

TEST(PoolConformance, row_4_waiting_says_what_it_waits_for) {
  auto staging = node("n2", 0, 2);
  staging["lacks"] = 1;
  auto silent = node("n3", 4, 4);
  silent["answered"] = false;
  const auto warmth = warmth_of(answer_with({node("n1", 1, 4), staging, silent}), 0);
  EXPECT_FALSE(warmth.settled);
  EXPECT_EQ(warmth.waits_for,
            "n1: 1 of 4 executors ready; n2: staging 1 toolchain; n3: has not answered yet");
  EXPECT_THAT(warmth_of(answer_with({}), 0).waits_for, HasSubstr("a node"));
}

TEST(Warmth, nodes_that_are_gone_or_broken_are_not_waited_for) {
  auto gone = node("n1", 0, 4);
  gone["state"] = "lost";
  auto broken = node("n2", 0, 4);
  broken["pool"]["state"] = "broken";
  const auto warmth = warmth_of(answer_with({gone, broken, node("n3", 1, 1)}), 0);
  EXPECT_TRUE(warmth.settled);
  EXPECT_TRUE(warmth.broken);
}

TEST(Warmth, nodes_that_all_vanish_are_waited_for) {
  auto gone = node("n1", 0, 0);
  gone["state"] = "lost";
  for (const std::uint64_t asked : {0U, 4U}) {
    const auto warmth = warmth_of(answer_with({gone}), asked);
    EXPECT_FALSE(warmth.settled);
    EXPECT_EQ(warmth.waits_for, "a node that its selector allows (n1 is lost)");
    const auto back = warmth_of(answer_with({gone, node("n2", 0, 0)}), asked);
    EXPECT_FALSE(back.settled) << "it has not been asked for any yet";
    EXPECT_EQ(back.waits_for, "a node that is asked for executors (n1 is lost)");
    EXPECT_FALSE(warmth_of(answer_with({}), asked).settled);
  }
}

TEST(Warmth, of_a_number_is_not_there_with_fewer) {
  auto gone = node("n1", 0, 0);
  gone["state"] = "lost";
  const auto answer = answer_with({gone, node("n2", 2, 2)});
  EXPECT_TRUE(warmth_of(answer, 2).settled);
  EXPECT_TRUE(warmth_of(answer, 0).settled) << "every one of the nodes that are left";
  EXPECT_FALSE(warmth_of(answer, 4).settled);
  EXPECT_EQ(warmth_of(answer, 4).waits_for,
            "nodes for the others: 2 of 4 executors ready (n1 is lost)");
}

TEST(PoolConformance, row_1_the_answer_shows_steps_and_readiness_of_each_node) {
  const auto text = render_pool(answer_with({node("n1", 4, 4)}), {}).text;
  EXPECT_THAT(text, HasSubstr("cc: ready, fork, 4 executors a node"));
  EXPECT_THAT(text, HasSubstr("NODE  STATE  READY  BUSY  STAGE  START  INIT"));
  EXPECT_THAT(text, HasSubstr("4/4"));
  EXPECT_THAT(text, HasSubstr("1.2 s"));
}

TEST(RenderPool, a_step_that_was_not_taken_has_no_time) {
  auto cold = node("n1", 0, 0);
  for (const char* step : {"stage_ms", "start_ms", "initialise_ms"}) cold["pool"][step] = 0.0;
  auto quick = node("n2", 4, 4);
  quick["pool"]["initialise_ms"] = 0.25;
  const auto text = render_pool(answer_with({cold, quick}), {}).text;
  EXPECT_THAT(text, HasSubstr("0/4     0      -      -      -"));
  EXPECT_THAT(text, HasSubstr("4/4     0  1.2 s  12 ms  <1 ms"));
  EXPECT_THAT(text, Not(HasSubstr(" 0 ms")));
}

TEST(RenderPool, a_broken_node_shows_why_and_the_last_output) {
  auto broken = node("n2", 0, 4);
  broken["pool"]["state"] = "broken";
  broken["pool"]["reason"] = "the initializer's step 1 exited with 3";
  broken["pool"]["output"] =
      "looking\tfor a licence\r\nno \x1b[2J\xc2\x9blicence\n" + std::string(90, 'x') + "\n";
  const auto shown = render_pool(answer_with({broken}), {});
  EXPECT_FALSE(shown.ok);
  EXPECT_THAT(shown.text, HasSubstr("n2: the initializer's step 1 exited with 3"));
  EXPECT_THAT(shown.text, HasSubstr("  its initializer wrote:\n"
                                    "    looking    for a licence\n"
                                    "    no ?[2J?licence\n"
                                    "    " +
                                    std::string(76, 'x') +
                                    "\n"
                                    "    " +
                                    std::string(14, 'x') + "\n"));
}

TEST(RenderPool, row_31_a_node_that_is_well_shows_the_last_line_of_its_initializer) {
  auto well = node("n1", 4, 4);
  well["pool"]["output"] =
      "first\nlicence \x1b[2J\xc2\x9b found " + std::string(90, 'x') + "\r\n\n";
  const auto text = render_pool(answer_with({well}), {}).text;
  EXPECT_THAT(text, HasSubstr("\nn1: the initializer's last line: licence ?[2J? found " +
                              std::string(26, 'x') + "…\n"));
  EXPECT_THAT(text, Not(HasSubstr("first")));
  auto alike = node("n2", 4, 4);
  auto other = node("n3", 4, 4);
  alike["pool"]["output"] = well["pool"]["output"] = "licence found\n";
  other["pool"]["output"] = "a spare one\n";
  EXPECT_THAT(render_pool(answer_with({well, alike, other}), {}).text,
              HasSubstr("\nn3: the initializer's last line: a spare one\n"
                        "n1 and 1 more node: the initializer's last line: licence found\n"));
  for (const char* nothing : {"", "\n \n"}) {
    well["pool"]["output"] = nothing;
    EXPECT_THAT(render_pool(answer_with({well}), {}).text, Not(HasSubstr("initializer")));
  }
}

TEST(RenderPool, a_node_with_some_broken_executors_says_so) {
  auto some = node("n1", 3, 4);
  some["pool"]["broken"] = 1;
  EXPECT_THAT(render_pool(answer_with({some}), {}).text, HasSubstr("n1: 1 executor is broken"));
}

TEST(RenderPool, the_definition_is_the_command_that_makes_it) {
  Json answer = answer_with({node("n1", 4, 4)});
  const std::vector<std::pair<std::string, std::string>> options = {
      {"--context", "fork"},
      {"--toolchain", "clang"},
      {"--init", "/bin/sh -c \"echo it's\""},
      {"--env", "TEXT=a b"},
      {"--nodes", "zone=a,!spot"},
      {"--window", "mon-fri 8:00-20:00 16"},
      {"--limit", "time=10m,memory=2G"}};
  answer["pools"][0]["options"] = options;
  const auto text = render_pool(answer, {}).text;
  EXPECT_THAT(text, HasSubstr(R"(
made by      kiln pool create cc --context fork --toolchain clang \
               --init '/bin/sh -c "echo it'\''s"' --env 'TEXT=a b' \
               --nodes 'zone=a,!spot' --window 'mon-fri 8:00-20:00 16' \
               --limit time=10m,memory=2G
)"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 80U) << line;
  answer["pools"][0]["name"] = "default";
  EXPECT_THAT(render_pool(answer, {}).text, Not(HasSubstr("made by"))) << "nobody makes it";
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
  EXPECT_EQ(text,
            "POOL  STATE  CONTEXT  NODES  BROKEN  READY  BUSY  QUEUED  TASKS\n"
            "cc    ready  fork         2       0      7     0       0      0\n");
  EXPECT_EQ(render_pools({{"pools", Json::array()}}, {}).text, "no pools\n");
}

std::string state_with(const std::vector<Json>& nodes) {
  std::istringstream text(render_pools(answer_with(nodes), {}).text);
  std::string titles, pool, state, second;
  std::getline(text, titles);
  text >> pool >> state >> second;
  return state == "no" ? state + " " + second : state;
}

Json node_in(const std::string& state, int wanted = 0) {
  Json one = node("n1", 0, wanted);
  one["pool"]["state"] = state;
  return one;
}

TEST(RenderPools, the_state_is_the_best_of_the_nodes_that_live) {
  for (const char* state : {"ready", "warming", "broken", "quiesced", "cold"})
    EXPECT_EQ(state_with({node_in("cold"), node_in(state)}), state);
  EXPECT_EQ(state_with({node_in("broken"), node_in("ready")}), "ready");
  EXPECT_EQ(state_with({node_in("broken"), node_in("warming")}), "warming");
  EXPECT_EQ(state_with({node_in("quiesced"), node_in("broken")}), "broken");
  EXPECT_EQ(state_with({node_in("cold", 4)}), "warming") << "it was told to, and stages";
  auto lost = node("n1", 4, 4);
  lost["state"] = "lost";
  EXPECT_EQ(state_with({lost}), "no node");
  EXPECT_EQ(state_with({}), "no node");
  EXPECT_EQ(state_with({lost, node_in("cold")}), "cold");
}

TEST(RenderPools, counts_the_nodes_that_are_broken_and_nothing_of_lost_ones) {
  auto lost = node("n3", 4, 4);
  lost["state"] = "lost";
  const auto text = render_pools(answer_with({node_in("broken"), node("n2", 3, 4), lost}), {}).text;
  EXPECT_THAT(text, HasSubstr("cc    ready  fork         3       1      3     0"));
}

TEST(RenderPools, fits_80_columns) {
  Json answer = answer_with({node_in("quiesced")});
  answer["pools"][0]["name"] = std::string(64, 'p');
  answer["pools"][0]["context"] = "forkserver";
  answer["pools"][0]["nodes"][0]["pool"]["tasks"] = 12'345'678;
  std::istringstream lines(render_pools(answer, {}).text);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(display_width(line), 80U) << line;
  }
}

TEST(RenderWarmed, says_what_of_the_build_travels) {
  Json answer = answer_with({node("n1", 4, 4)});
  answer["plan"] = {{"calls", 3}, {"travel", 2}, {"local", {{"preprocess_only", 1}}}};
  const auto text = render_warmed(answer, {}).text;
  EXPECT_THAT(text, HasSubstr("3 calls, of which 2 travel; here: preprocess_only 1"));
  EXPECT_THAT(render_warmed({{"pools", Json::array()}}, {}).text, HasSubstr("nothing was warmed"));
}

TEST(RenderWarmed, says_when_the_pool_does_not_hold_the_compiler_of_the_build) {
  Json answer = answer_with({node("n1", 4, 4)});
  answer["toolchains"] = {{{"name", "g++"}, {"digest", "d1"}},
                          {{"name", "clang"}, {"digest", "d2"}}};
  answer["pools"][0]["toolchains"] = {{{"name", "clang"}, {"digest", "d2"}}};
  const auto text = render_warmed(answer, {}).text;
  EXPECT_THAT(text, HasSubstr("the pool cc does not hold g++"));
  EXPECT_THAT(text, Not(HasSubstr("does not hold clang")));
  answer["pools"][0]["name"] = "default";
  EXPECT_THAT(render_warmed(answer, {}).text, Not(HasSubstr("does not hold")));
}

}  // namespace
}  // namespace kiln::client
