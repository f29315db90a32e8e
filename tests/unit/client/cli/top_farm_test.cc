#include "client/cli/top_farm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::client {
namespace {

constexpr const char* kTopStatus = R"({
  "coordinators": [
    {"endpoint": "tcp://10.0.0.2:10650", "state": "connecting"},
    {"endpoint": "tcp://10.0.0.1:10650", "state": "connected"}],
  "farm": {"nodes": 2, "ready_nodes": 1, "slots": 8, "busy": 3, "queued": 5},
  "remote_possible": true, "reason": ""})";

constexpr const char* kTopNodes = R"({"nodes": [
  {"name": "w0", "state": "ready", "slots": 4, "running": 3, "queued": 2, "ready": 1,
   "load": 1.5, "core_speed": 0.9, "memory_available_bytes": 1024, "completed": 120, "failed": 1,
   "address": "tcp://10.0.0.3:10652"},
  {"name": "w1", "state": "draining", "slots": 4, "running": 1, "ready": 3, "completed": 7},
  {"name": "w2", "state": "lost", "slots": 4, "running": 4, "queued": 9}]})";

constexpr const char* kTopPools = R"({"pools": [{"name": "cc", "context": "fork",
  "waiting_requests": 3, "nodes": [
    {"node": "w0", "state": "ready", "wanted": 2, "pool": {"state": "ready", "ready": 1,
     "busy": 1, "broken": 1, "tasks": 10, "warm_hits": 9, "warm_misses": 1}},
    {"node": "w2", "state": "lost", "pool": {"state": "ready", "ready": 4}}]}]})";

constexpr const char* kTopTasks = R"({"tasks": [{"node": "w0", "phase": "running", "pool": "cc",
  "label": "a.c", "attempt": "1-2", "age_ms": 1234}]})";

TEST(TopFarm, is_read_from_the_answers) {
  const TopFarm farm = top_farm({kTopStatus, kTopNodes, kTopPools, kTopTasks});
  EXPECT_TRUE(farm.is_there);
  EXPECT_EQ(farm.trouble, "");
  EXPECT_EQ(farm.coordinator, "10.0.0.1:10650");
  EXPECT_EQ(farm.ready_nodes, 1U);
  ASSERT_EQ(farm.nodes.size(), 3U);
  EXPECT_EQ(farm.nodes[0].address, "10.0.0.3:10652");
  EXPECT_EQ(farm.nodes[0].use.queued, 2U);
  EXPECT_EQ(farm.nodes[0].speed, 0.9);
  EXPECT_EQ(farm.nodes[1].speed, 0);
  EXPECT_EQ(farm.nodes[2].use.busy, 0U) << "what it said before it was lost is not so now";
  ASSERT_EQ(farm.pools.size(), 1U);
  EXPECT_EQ(farm.pools[0].state, "ready");
  EXPECT_EQ(farm.pools[0].ready, 1U);
  EXPECT_EQ(farm.pools[0].broken, 1U);
  EXPECT_EQ(farm.pools[0].waiting, 3U);
  ASSERT_EQ(farm.tasks.size(), 1U);
  EXPECT_EQ(farm.tasks[0].age_ms, 1234U);
}

TEST(TopFarm, has_the_slots_that_new_tasks_may_get_and_those_that_are_busy) {
  const SlotUse use = use_of(top_farm({kTopStatus, kTopNodes, kTopPools, kTopTasks}));
  EXPECT_EQ(use.slots, 5U);
  EXPECT_EQ(use.busy, 4U);
  EXPECT_EQ(use.ready, 1U);
  EXPECT_EQ(use.queued, 5U);
}

TEST(TopFarm, says_why_it_is_not_there) {
  const auto away = [] { return fail(Errc::unavailable, "no coordinator answers"); };
  const TopFarm farm =
      top_farm({R"({"farm": null, "reason": "no coordinator answers"})", away(), away(), away()});
  EXPECT_FALSE(farm.is_there);
  EXPECT_EQ(farm.trouble, "no coordinator answers");
  EXPECT_EQ(farm.coordinator, "no coordinator");
  const auto gone = [] { return fail(Errc::not_found, "no agent is running"); };
  EXPECT_EQ(top_farm({gone(), gone(), gone(), gone()}).trouble, "no agent is running");
  EXPECT_EQ(top_farm({kTopStatus, kTopNodes, away(), kTopTasks}).trouble, "no coordinator answers");
}

TEST(TopFarm, strange_answers_do_no_harm) {
  EXPECT_THAT(top_farm({"no json", "[1]", "{}", R"({"tasks": 7})"}).trouble,
              testing::HasSubstr("another version"));
  const TopFarm farm = top_farm({"{}", R"({"nodes": [3]})", R"({"pools": [{}]})", "{}"});
  EXPECT_EQ(farm.nodes.at(0).name, "-");
  EXPECT_EQ(farm.pools.at(0).state, "no node");
}

TopFarm with_completed(std::uint64_t completed) {
  TopFarm farm;
  farm.nodes.resize(1);
  farm.nodes[0].name = "w0";
  farm.nodes[0].completed = completed;
  return farm;
}

TEST(TopRates, are_of_the_time_between_two_answers) {
  TopFarm now = with_completed(150);
  EXPECT_EQ(rate_of(now), std::nullopt);
  set_rates(now, with_completed(100), seconds(2));
  EXPECT_EQ(now.nodes[0].rate, 25.0);
  EXPECT_EQ(rate_of(now), 25.0);
}

TEST(TopRates, are_unknown_of_a_node_that_is_new_or_was_started_anew) {
  TopFarm now = with_completed(3);
  set_rates(now, with_completed(100), seconds(1));
  EXPECT_EQ(now.nodes[0].rate, std::nullopt);
  set_rates(now, {}, seconds(1));
  EXPECT_EQ(now.nodes[0].rate, std::nullopt);
  set_rates(now, with_completed(3), {});
  EXPECT_EQ(now.nodes[0].rate, std::nullopt) << "no time has passed";
}

TEST(TopFarm, sums_tasks_up_by_build) {
  const auto task = [](const char* node, const char* phase, const char* build, std::uint64_t age) {
    TopTask one{node, phase, "default", "a.c", "", age};
    one.build = build;
    one.client = "ann@ci";
    return one;
  };
  const auto builds = builds_of({task("w0", "running", "b", 10), task("w1", "staging", "a", 20),
                                 task("w1", "running", "b", 30), task("w1", "returning", "b", 5),
                                 task("w1", "running", "", 99)});
  ASSERT_EQ(builds.size(), 2U);
  EXPECT_EQ(builds[0].name, "a");
  EXPECT_EQ(builds[0].waiting, 1U);
  EXPECT_EQ(builds[1].name, "b");
  EXPECT_EQ(builds[1].client, "ann@ci");
  EXPECT_EQ(builds[1].running, 2U);
  EXPECT_EQ(builds[1].nodes, 2U);
  EXPECT_EQ(builds[1].oldest_ms, 30U);
}

}  // namespace
}  // namespace kiln::client
