#include "coordinator/dashboard/dashboard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace kiln::coordinator {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t kWall = 1'700'000'000'000;
// Of the first build: numbers begin with the second of the first look.
constexpr std::uint64_t kBuild = 1'700'000'002;

class DashboardTest : public testing::Test {
 protected:
  static TimePoint at(std::int64_t ms) {
    return TimePoint{std::chrono::hours(1)} + milliseconds(ms);
  }

  TaskStatus task(std::uint64_t number, TaskPhase phase, std::uint64_t age_ms) {
    TaskStatus status;
    status.attempt = {0x5f, number};
    status.label = "src/a.c";
    status.phase = phase;
    status.age_ms = age_ms;
    status.build = "nightly";
    status.client = "ann@ci";
    return status;
  }
  void node(const std::string& name, std::vector<TaskStatus> tasks = {},
            NodeState state = NodeState::ready) {
    auto info = std::make_shared<NodeInfo>();
    info->name = name;
    info->epoch = 1;
    info->slots = 4;
    auto occupancy = std::make_shared<Occupancy>();
    occupancy->sequence = ++sequence_;
    occupancy->ready = 2;
    occupancy->core_speed = 0.934;
    for (const auto& one : tasks) occupancy->running += one.phase == TaskPhase::running ? 1 : 0;
    occupancy->tasks = std::move(tasks);
    watch_.reported(name, 1, *occupancy, at(now_ms_), look_.changes);
    nodes_.push_back({info, occupancy, state, at(now_ms_), 0});
  }
  void pool(const std::string& name) {
    auto definition = std::make_shared<PoolDefinition>();
    definition->spec.name = name;
    pools_.push_back({definition, {}, 0});
  }
  void look() {
    now_ms_ += 1000;
    look_.farm = std::make_shared<const FarmSnapshot>(
        FarmSnapshot{std::exchange(nodes_, {}), std::exchange(pools_, {}), at(now_ms_), 3, 1,
                     std::exchange(waiting_, {})});
    look_.unix_ms = kWall + now_ms_;
    dashboard_.look(std::exchange(look_, {}));
  }
  Json live(const std::string& query = "") { return Json::parse(dashboard_.live(query).body); }
  Json since(const Json& seq) { return live("since=" + std::to_string(seq.get<std::uint64_t>())); }
  static std::vector<std::string> names(const Json& list) {
    std::vector<std::string> all;
    for (const auto& one : list) all.push_back(one["name"]);
    return all;
  }

  Dashboard dashboard_{77, "1.2.3", at(0)};
  JobWatch watch_;
  Look look_;
  std::vector<NodeView> nodes_;
  std::vector<PoolView> pools_;
  std::map<std::string, Waiting> waiting_;
  std::int64_t now_ms_ = 0;
  std::uint64_t sequence_ = 0;
};

TEST_F(DashboardTest, a_first_answer_is_whole) {
  node("w1", {task(1, TaskPhase::running, 300)});
  pool("default");
  look();
  const auto all = live();
  EXPECT_EQ(all["epoch"], "77");
  EXPECT_EQ(all["version"], "1.2.3");
  EXPECT_EQ(all["full"], true);
  EXPECT_EQ(all["now"], kWall + 1000);
  EXPECT_EQ(all["started"], kWall);
  EXPECT_EQ(all["farm"]["slots"], 4);
  EXPECT_EQ(all["farm"]["running"], 1);
  EXPECT_EQ(all["farm"]["waiting"], 3);
  EXPECT_EQ(all["farm"]["nodes_ready"], 1);
  EXPECT_EQ(all["nodes"][0]["busy"], (Json{{0, kBuild}}));
  EXPECT_EQ(all["nodes"][0]["heat"], "ready");
  EXPECT_EQ(all["nodes"][0]["speed"], 0.93);
  EXPECT_THAT(names(all["pools"]), ElementsAre("default"));
  EXPECT_EQ(all["builds"][0]["name"], "nightly");
  EXPECT_EQ(all["builds"][0]["client"], "ann@ci");
  EXPECT_EQ(all["builds"][0]["running"], 1);
  EXPECT_EQ(all["events"].back()["kind"], "node_joined");
  EXPECT_EQ(all["series"]["points"].size(), 1U);
}

TEST_F(DashboardTest, later_answers_tell_what_changed) {
  node("w1");
  node("w2");
  pool("a");
  look();
  const auto first = live();
  node("w1");
  node("w2", {task(1, TaskPhase::running, 10)});
  look();
  const auto second = since(first["seq"]);
  EXPECT_EQ(second["full"], false);
  EXPECT_THAT(names(second["nodes"]), ElementsAre("w2"));
  EXPECT_THAT(second["gone_pools"], ElementsAre("a"));
  EXPECT_EQ(second["events"].size(), 1U);
  EXPECT_EQ(second["series"]["points"].size(), 1U);
  const auto third = since(second["seq"]);
  EXPECT_EQ(third["seq"], second["seq"]);
  EXPECT_TRUE(third["nodes"].empty());
  EXPECT_TRUE(third["events"].empty());
  EXPECT_TRUE(third["series"]["points"].empty());
  node("w1");
  look();
  EXPECT_THAT(since(second["seq"])["gone"], ElementsAre("w2"));
}

TEST_F(DashboardTest, a_build_that_only_waits_is_told) {
  node("w1");
  waiting_ = {{"nightly", {2, 7, at(500)}}};
  look();
  const auto first = live();
  EXPECT_EQ(first["builds"][0]["name"], "nightly");
  EXPECT_EQ(first["builds"][0]["waiting"], 7);
  EXPECT_EQ(first["builds"][0]["begun"], kWall + 500);
  node("w1", {task(1, TaskPhase::running, 10)});
  look();
  const auto second = since(first["seq"]);
  EXPECT_EQ(second["builds"][0]["id"], first["builds"][0]["id"]);
  EXPECT_EQ(second["builds"][0]["waiting"], 0);
  EXPECT_EQ(second["builds"][0]["running"], 1);
}

TEST_F(DashboardTest, a_number_of_another_coordinator_gives_everything) {
  node("w1");
  look();
  const auto seq = live()["seq"].get<std::uint64_t>();
  EXPECT_EQ(live("since=" + std::to_string(seq + 1))["full"], true);
  EXPECT_EQ(live("since=17")["full"], true);
  EXPECT_EQ(live("since=rubbish")["full"], true);
  EXPECT_EQ(live("since=" + std::to_string(seq))["full"], false);
}

TEST_F(DashboardTest, lost_nodes_run_nothing) {
  node("w1", {task(1, TaskPhase::running, 10)}, NodeState::lost);
  look();
  const auto all = live();
  EXPECT_EQ(all["nodes"][0]["state"], "lost");
  EXPECT_EQ(all["nodes"][0]["running"], 0);
  EXPECT_TRUE(all["nodes"][0]["busy"].empty());
  EXPECT_EQ(all["nodes"][0]["heard"], kWall);
  EXPECT_EQ(all["farm"]["slots"], 0);
  EXPECT_EQ(all["farm"]["nodes_lost"], 1);
}

TEST_F(DashboardTest, text_of_peers_is_data_whatever_it_holds) {
  node("w\"1\xff</script>");
  look();
  EXPECT_EQ(live()["nodes"][0]["name"], "w\"1\xef\xbf\xbd</script>");
}

TEST_F(DashboardTest, tasks_are_listed_the_oldest_first_and_filtered) {
  auto other = task(3, TaskPhase::queued, 900);
  other.pool = "gcc";
  other.build = "";
  node("w1", {task(1, TaskPhase::running, 300), task(2, TaskPhase::staging, 500)});
  node("w2", {other});
  look();
  const auto listed = [&](const std::string& query) {
    std::vector<std::string> attempts;
    const auto answer = Json::parse(dashboard_.tasks(query).body);
    for (const auto& one : answer["tasks"]) attempts.push_back(one["attempt"]);
    return attempts;
  };
  EXPECT_THAT(listed(""), ElementsAre("5f-3", "5f-2", "5f-1"));
  EXPECT_THAT(listed("limit=1"), ElementsAre("5f-3"));
  EXPECT_THAT(listed("node=w1"), ElementsAre("5f-2", "5f-1"));
  EXPECT_THAT(listed("pool=gcc"), ElementsAre("5f-3"));
  EXPECT_THAT(listed("build=" + std::to_string(kBuild)), ElementsAre("5f-2", "5f-1"));
  EXPECT_THAT(listed("build=0"), ElementsAre("5f-3"));
  EXPECT_THAT(listed("node=w9"), ElementsAre());
  const auto answer = Json::parse(dashboard_.tasks("limit=1").body);
  EXPECT_EQ(answer["total"], 3);
  EXPECT_EQ(answer["tasks"][0]["slot"], nullptr);
  EXPECT_EQ(Json::parse(dashboard_.tasks("node=w1").body)["tasks"][1]["slot"], 0);
}

TEST_F(DashboardTest, a_timeline_tells_jobs_and_then_their_changes) {
  node("w1", {task(1, TaskPhase::running, 300), task(2, TaskPhase::staging, 100)});
  look();
  const auto first = Json::parse(dashboard_.timeline("build=" + std::to_string(kBuild)).body);
  EXPECT_EQ(first["build"]["name"], "nightly");
  EXPECT_EQ(first["first"], first["jobs"][0]["id"]);
  ASSERT_EQ(first["jobs"].size(), 2U);
  EXPECT_EQ(first["jobs"][0]["label"], "src/a.c");
  EXPECT_EQ(first["jobs"][0]["accepted"], kWall - 300);
  EXPECT_EQ(first["jobs"][0]["phase"], "running");
  EXPECT_EQ(first["jobs"][0]["ended"], nullptr);
  EXPECT_EQ(first["jobs"][1]["started"], nullptr);
  node("w1", {task(2, TaskPhase::staging, 1100)});
  look();
  const auto next = Json::parse(dashboard_
                                    .timeline("build=" + std::to_string(kBuild) + "&since=" +
                                              std::to_string(first["next"].get<std::uint64_t>()))
                                    .body);
  ASSERT_EQ(next["jobs"].size(), 1U);
  EXPECT_EQ(next["jobs"][0]["phase"], "ended");
  EXPECT_EQ(next["jobs"][0]["ended"], kWall + 1000);
}

TEST_F(DashboardTest, builds_that_are_not_known_say_so) {
  EXPECT_EQ(dashboard_.timeline("build=9").status, 404);
  EXPECT_THAT(dashboard_.timeline("build=9").body, HasSubstr("error"));
  EXPECT_EQ(dashboard_.timeline("").status, 400);
}

TEST_F(DashboardTest, before_the_first_look_there_is_an_empty_farm) {
  const auto all = live();
  EXPECT_EQ(all["full"], true);
  EXPECT_TRUE(all["nodes"].empty());
}

}  // namespace
}  // namespace kiln::coordinator
