#include "coordinator/live/farm_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::coordinator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FarmEventsTest : public testing::Test {
 protected:
  void node(const std::string& name, NodeState state, std::uint64_t epoch = 1) {
    auto info = std::make_shared<NodeInfo>();
    info->name = name;
    info->epoch = epoch;
    info->slots = 4;
    farm_.nodes.push_back({info, std::make_shared<Occupancy>(), state, {}, 0});
  }
  void pool(const std::string& name, std::uint64_t version,
            std::vector<std::pair<std::string, PoolState>> nodes = {}) {
    auto definition = std::make_shared<PoolDefinition>();
    definition->spec.name = name;
    definition->version = version;
    PoolView view{definition, {}, 0};
    for (const auto& [on, state] : nodes) {
      auto standing = std::make_shared<PoolOnNode>();
      standing->state = state;
      standing->reason = "no such file";
      view.nodes.push_back({on, NodeState::ready, 0, true, standing});
    }
    farm_.pools.push_back(view);
  }
  // Looks at the farm as it was made, and makes a new one.
  std::vector<std::string> look(const std::vector<WorkerLost>& losses = {}) {
    const auto before = events_.events().empty() ? 0 : events_.events().back().id;
    events_.look(++looks_, farm_, losses);
    farm_ = {};
    std::vector<std::string> kinds;
    for (const auto& event : events_.events()) {
      if (event.id > before) kinds.push_back(event.kind);
    }
    return kinds;
  }
  const FarmEvent& last() { return events_.events().back(); }

  FarmSnapshot farm_;
  FarmEvents events_;
  std::uint64_t looks_ = 0;
};

TEST_F(FarmEventsTest, nodes_come_drain_resume_and_are_lost) {
  node("w1", NodeState::ready);
  EXPECT_THAT(look(), ElementsAre("node_joined"));
  EXPECT_EQ(last().text, "w1 joined with 4 slots");
  node("w1", NodeState::ready);
  EXPECT_THAT(look(), ElementsAre());
  node("w1", NodeState::draining);
  EXPECT_THAT(look(), ElementsAre("node_draining"));
  node("w1", NodeState::ready);
  EXPECT_THAT(look(), ElementsAre("node_resumed"));
  node("w1", NodeState::lost);
  EXPECT_THAT(look({{"w1", 1, "silent", 3}}), ElementsAre("node_lost"));
  EXPECT_EQ(last().severity, Severity::bad);
  EXPECT_EQ(last().text, "w1 was lost: nothing was heard of it; 3 leases on it");
  node("w1", NodeState::lost);
  EXPECT_THAT(look(), ElementsAre());
}

TEST_F(FarmEventsTest, a_worker_that_left_in_good_order_is_no_alarm) {
  node("w1", NodeState::ready);
  look();
  node("w1", NodeState::lost);
  EXPECT_THAT(look({{"w1", 1, "goodbye", 0}}), ElementsAre("node_left"));
  EXPECT_EQ(last().severity, Severity::info);
  EXPECT_EQ(last().text, "w1 left in good order");
}

TEST_F(FarmEventsTest, a_restart_between_two_looks_is_seen) {
  node("w1", NodeState::ready, 1);
  look();
  node("w1", NodeState::ready, 2);
  EXPECT_THAT(look({{"w1", 1, "closed", 1}}), ElementsAre("node_lost", "node_joined"));
}

TEST_F(FarmEventsTest, pools_that_were_there_at_the_start_are_not_new) {
  pool("default", 0);
  EXPECT_THAT(look(), ElementsAre());
  pool("default", 0);
  pool("gcc", 1);
  EXPECT_THAT(look(), ElementsAre("pool_created"));
  pool("default", 0);
  pool("gcc", 2);
  EXPECT_THAT(look(), ElementsAre("pool_changed"));
  pool("default", 0);
  EXPECT_THAT(look(), ElementsAre("pool_deleted"));
}

TEST_F(FarmEventsTest, a_broken_pool_says_where_and_why) {
  pool("gcc", 1, {{"w1", PoolState::ready}, {"w2", PoolState::ready}});
  look();
  pool("gcc", 1, {{"w1", PoolState::ready}, {"w2", PoolState::broken}});
  EXPECT_THAT(look(), ElementsAre("pool_broken"));
  EXPECT_EQ(last().text, "the pool gcc is broken on w2: no such file");
  pool("gcc", 1, {{"w1", PoolState::broken}, {"w2", PoolState::broken}});
  EXPECT_THAT(look(), ElementsAre("pool_broken"));
  EXPECT_THAT(last().text, HasSubstr("w1 and 1 other node"));
  pool("gcc", 1, {{"w1", PoolState::broken}, {"w2", PoolState::ready}});
  EXPECT_THAT(look(), ElementsAre()) << "better, but not well";
  pool("gcc", 1, {{"w1", PoolState::ready}, {"w2", PoolState::ready}});
  EXPECT_THAT(look(), ElementsAre("pool_mended"));
}

TEST_F(FarmEventsTest, a_pool_is_not_mended_by_the_loss_of_its_broken_node) {
  const std::vector<std::pair<std::string, PoolState>> broken = {{"w1", PoolState::ready},
                                                                 {"w2", PoolState::broken}};
  pool("gcc", 1, broken);
  look();
  pool("gcc", 1, broken);
  farm_.pools.back().nodes.back().state = NodeState::lost;
  EXPECT_THAT(look(), ElementsAre());
  pool("gcc", 1, broken);
  EXPECT_THAT(look(), ElementsAre()) << "it comes back as it was";
  pool("gcc", 1, {{"w1", PoolState::ready}});
  EXPECT_THAT(look(), ElementsAre()) << "the node is forgotten";
  pool("gcc", 1, broken);
  EXPECT_THAT(look(), ElementsAre("pool_broken"));
  pool("gcc", 1, {{"w1", PoolState::broken}, {"w2", PoolState::broken}});
  EXPECT_THAT(look(), ElementsAre("pool_broken"));
  EXPECT_EQ(last().text, "the pool gcc is broken on w1 and 1 other node: no such file");
}

TEST_F(FarmEventsTest, the_oldest_events_go) {
  events_ = FarmEvents(3);
  for (const auto* name : {"a", "b", "c", "d"}) node(name, NodeState::ready);
  look();
  ASSERT_EQ(events_.events().size(), 3U);
  EXPECT_EQ(events_.events().front().subject, "b");
  EXPECT_EQ(last().id, 4U);
}

}  // namespace
}  // namespace kiln::coordinator
