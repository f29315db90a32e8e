#include "client/cli/warm_progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/cli/table.h"

namespace kiln::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const TimePoint kBegan{};

Json node_at(const std::string& name, const std::string& state, int ready, const Json& steps = {}) {
  Json there = {{"state", state}, {"ready", ready}, {"busy", 0}};
  if (steps.is_object()) there.update(steps);
  return {{"node", name}, {"state", "ready"}, {"wanted", 2},
          {"lacks", 0},   {"answered", true}, {"pool", there}};
}

Json staging(const std::string& name) {
  Json node = node_at(name, "cold", 0);
  node["lacks"] = 1;
  return node;
}

Json pool_of(std::vector<Json> nodes) {
  const Json pool = {{"name", "cc"},
                     {"init", {{"gcc", "--version"}}},
                     {"probe", Json::array()},
                     {"nodes", std::move(nodes)}};
  return {{"pools", {pool}}};
}

std::vector<std::string> rows_of(const Json& answer, ScreenSize screen = {}) {
  return WarmProgress(kBegan).rows(answer, 0, kBegan + seconds(3), screen);
}

TEST(WarmProgress, names_what_each_node_does_and_the_time_of_each_step) {
  const Json started = {{"stage_ms", 1200.0}, {"start_ms", 4.0}};
  Json silent = node_at("n5", "cold", 0);
  silent["answered"] = false;
  Json lost = node_at("n6", "cold", 0);
  lost["state"] = "lost";
  Json broken = node_at("n7", "broken", 0);
  broken["pool"]["reason"] = "step 1 exited with 3";
  const Json done = {{"stage_ms", 1200.0}, {"start_ms", 4.0}, {"initialise_ms", 2100.0}};
  const auto answer = pool_of({staging("n1"), node_at("n2", "warming", 0, {{"stage_ms", 1200.0}}),
                               node_at("n3", "ready", 1, started), node_at("n4", "ready", 2, done),
                               silent, lost, broken});
  EXPECT_THAT(rows_of(answer),
              ElementsAre("cc: 3.0 s, waits for 4 of 7 nodes",
                          "NODE  STATE         READY  STAGE  START   INIT",
                          "n1    staging         0/2  3.0 s      -      -",
                          "n2    starting        0/2  1.2 s  3.0 s      -",
                          "n3    initialising    1/2  1.2 s   4 ms  3.0 s",
                          "n4    ready           2/2  1.2 s   4 ms  2.1 s",
                          "n5    silent          0/2      -      -      -",
                          "n6    lost            0/2      -      -      -",
                          "n7    broken          0/2      -      -      -  step 1 exited with 3"));
}

TEST(WarmProgress, a_step_that_goes_on_is_timed_since_it_was_first_seen) {
  WarmProgress progress(kBegan);
  progress.rows(pool_of({staging("n1")}), 0, kBegan + seconds(1), {});
  const auto starting = pool_of({node_at("n1", "warming", 0, {{"stage_ms", 1900.0}})});
  EXPECT_THAT(progress.rows(starting, 0, kBegan + seconds(2), {})[2], HasSubstr("1.9 s   0 ms"));
  EXPECT_THAT(progress.rows(starting, 0, kBegan + seconds(5), {})[2], HasSubstr("1.9 s  3.0 s"));
}

TEST(WarmProgress, without_an_initializer_executors_are_starting_until_they_are_ready) {
  Json answer = pool_of({node_at("n1", "ready", 1, {{"start_ms", 4.0}})});
  answer["pools"][0]["init"] = Json::array();
  EXPECT_THAT(rows_of(answer)[2], HasSubstr("starting"));
}

TEST(WarmProgress, when_each_node_has_its_part_it_says_what_is_missing) {
  EXPECT_THAT(rows_of(pool_of({})),
              ElementsAre("cc: 3.0 s, waits for a node that its selector allows"));
}

TEST(WarmProgress, shows_no_more_nodes_than_there_is_room_for_and_first_those_that_lack_something) {
  std::vector<Json> nodes;
  nodes.reserve(15);
  for (int i = 0; i < 14; ++i) nodes.push_back(node_at("done" + std::to_string(i), "ready", 2));
  nodes.push_back(staging("late"));
  const auto rows = rows_of(pool_of(nodes));
  ASSERT_EQ(rows.size(), 13U);
  EXPECT_THAT(rows[2], StartsWith("late"));
  EXPECT_THAT(rows[3], StartsWith("done0"));
  EXPECT_EQ(rows.back(), "… and 5 more nodes");
  const auto low = rows_of(pool_of(nodes), {80, 7});
  ASSERT_EQ(low.size(), 6U) << "the line of the cursor has to be on the screen too";
  EXPECT_EQ(low.back(), "… and 12 more nodes");
}

TEST(WarmProgress, no_row_is_as_wide_as_the_screen) {
  Json node = node_at(std::string(60, 'n') + "\x1b[2J", "warming", 0);
  node["pool"]["reason"] = std::string(200, 'r');
  for (const std::size_t columns : {1U, 20U, 40U, 80U, 200U}) {
    for (const auto& row : rows_of(pool_of({node}), {columns, 24})) {
      EXPECT_LT(display_width(row), columns) << row;
      EXPECT_EQ(row.find('\x1b'), std::string::npos);
    }
  }
}

TEST(Redraw, goes_up_to_where_the_block_began_and_clears_what_it_leaves) {
  EXPECT_EQ(redraw({}, {"one", "two"}, 80), "\rone\x1b[K\ntwo\x1b[K\n\x1b[J");
  EXPECT_EQ(redraw({"one", "two"}, {"three"}, 80), "\r\x1b[2Athree\x1b[K\n\x1b[J");
  EXPECT_EQ(redraw({"three"}, {}, 80), "\r\x1b[1A\x1b[J") << "nothing is left at the end";
}

TEST(Redraw, counts_the_lines_of_rows_that_a_narrower_terminal_has_broken) {
  EXPECT_EQ(redraw({std::string(79, 'x'), "y", ""}, {}, 40), "\r\x1b[4A\x1b[J");
}

}  // namespace
}  // namespace kiln::client
