// Nodes that vanish, come, and say what they took up.
#include <gtest/gtest.h>

#include "tests/unit/coordinator/pools/keeper_driver.h"

namespace kiln::coordinator {
namespace {

TEST(PoolKeeper, a_node_that_numbers_its_reports_has_answered_once_it_reflects_the_order) {
  KeeperDriver farm;
  farm.meet("a");
  farm.create(farm.spec("cc", 2));
  const auto ready = farm.standing("cc", 1, PoolState::ready);
  const auto answered = [&] { return farm.keeper.views("cc")[0].nodes[0].answered; };
  const auto made = farm.last_order("a", "cc").number;
  EXPECT_NE(made, 0U);
  farm.reflect("a", ready, 0);
  EXPECT_FALSE(answered()) << "the report was on the way before the order";
  farm.reflect("a", ready, made, KeeperDriver::kEpoch + 1);
  EXPECT_FALSE(answered()) << "a number of another coordinator's life";
  farm.reflect("a", ready, made);
  EXPECT_TRUE(answered());
  ASSERT_TRUE(farm.keeper.change(farm.request(PoolAction::quiesce, "cc"), farm.moment));
  const auto quiesced = farm.last_order("a", "cc").number;
  EXPECT_GT(quiesced, made);
  farm.reflect("a", ready, made);
  EXPECT_FALSE(answered());
  farm.reflect("a", farm.standing("cc", 1, PoolState::quiesced), quiesced);
  EXPECT_TRUE(answered());
}

TEST(PoolKeeper, a_node_that_starts_again_reflects_nothing_of_before) {
  KeeperDriver farm;
  farm.meet("a");
  farm.create(farm.spec("cc", 2));
  const auto number = farm.last_order("a", "cc").number;
  farm.reflect("a", farm.standing("cc", 1, PoolState::ready), number);
  EXPECT_EQ(farm.keeper.awaited("cc").at("a"), number);
  EXPECT_TRUE(farm.keeper.took_up("a", "cc", number));
  farm.join("a");
  EXPECT_FALSE(farm.keeper.took_up("a", "cc", number)) << "it is to be told anew";
  const auto awaited = farm.keeper.awaited("cc").at("a");
  EXPECT_GT(awaited, number);
  farm.report("a", true, {});
  EXPECT_GE(farm.last_order("a", "cc").number, awaited);
  farm.reflect("a", farm.standing("cc", 1, PoolState::cold), 0);
  EXPECT_FALSE(farm.keeper.took_up("a", "cc", awaited));
  farm.reflect("a", farm.standing("cc", 1, PoolState::cold), farm.last_order("a", "cc").number);
  EXPECT_TRUE(farm.keeper.took_up("a", "cc", awaited));
}

TEST(PoolConformance, row_29_a_wish_whose_nodes_all_vanish_waits_for_those_that_come) {
  KeeperDriver farm;
  for (const auto* name : {"a", "b"}) farm.meet(name);
  ASSERT_TRUE(farm.keeper.change(farm.request(PoolAction::create, "cc", 6), farm.moment));
  for (const auto* name : {"a", "b"}) farm.set_state(name, NodeState::lost);
  farm.pass(milliseconds(100));
  farm.pass(std::chrono::minutes(11));
  for (const auto* name : {"a", "b"}) farm.keeper.forgotten(name);
  EXPECT_EQ(farm.nodes_of("cc"), "");
  farm.meet("c");
  farm.pass(milliseconds(100));
  EXPECT_EQ(farm.last_order("c", "cc").warm, 6U);
}

TEST(PoolKeeper, a_pool_that_is_made_warm_before_any_node_is_there_warms_those_that_come) {
  KeeperDriver farm;
  auto request = farm.request(PoolAction::create, "cc");
  request.all = true;
  ASSERT_TRUE(farm.keeper.change(request, farm.moment));
  farm.pass(std::chrono::minutes(30));
  farm.meet("a");
  farm.pass(milliseconds(100));
  EXPECT_EQ(farm.last_order("a", "cc").wish, PoolWish::warm);
  EXPECT_EQ(farm.last_order("a", "cc").warm, KeeperDriver::kSlots);
}

TEST(PoolKeeper, a_wish_that_waits_for_nodes_is_over_when_the_pool_is_quiesced_or_deleted) {
  for (const auto action : {PoolAction::quiesce, PoolAction::remove}) {
    KeeperDriver farm;
    ASSERT_TRUE(farm.keeper.change(farm.request(PoolAction::create, "cc", 2), farm.moment));
    ASSERT_TRUE(farm.keeper.change(farm.request(action, "cc"), farm.moment));
    if (action == PoolAction::remove) farm.create(farm.spec("cc"));
    farm.meet("a");
    farm.pass(milliseconds(100));
    EXPECT_EQ(farm.last_order("a", "cc").wish, PoolWish::none);
  }
}

}  // namespace
}  // namespace kiln::coordinator
