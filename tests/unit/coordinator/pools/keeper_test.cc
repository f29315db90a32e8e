#include "coordinator/pools/keeper.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/coordinator/pools/keeper_driver.h"

namespace kiln::coordinator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST(PoolKeeper, a_node_is_told_everything_once_it_was_heard) {
  KeeperDriver farm;
  farm.create(farm.spec("cc"));
  farm.join("a");
  EXPECT_THAT(farm.take_orders(), IsEmpty()) << "it has not said what it knows";
  farm.report("a", true, {});
  const auto told = farm.take_all();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told[0].complete);
  ASSERT_EQ(told[0].orders.size(), 1U);
  EXPECT_TRUE(told[0].orders[0].selected);
  EXPECT_EQ(told[0].orders[0].definition.spec.name, "cc");
}

TEST(PoolKeeper, a_node_that_says_nothing_is_told_after_a_second) {
  KeeperDriver farm;
  farm.create(farm.spec("cc"));
  farm.join("a");
  farm.pass(milliseconds(999));
  EXPECT_THAT(farm.take_orders(), IsEmpty());
  farm.pass(milliseconds(1));
  EXPECT_EQ(farm.take_all().size(), 1U);
}

TEST(PoolKeeper, a_node_is_told_only_what_changed) {
  KeeperDriver farm;
  farm.meet("a");
  farm.create(farm.spec("cc"));
  farm.create(farm.spec("cxx"));
  EXPECT_THAT(farm.take_orders(), UnorderedElementsAre("a cc", "a cxx"));
  ASSERT_TRUE(farm.keeper.change(farm.request(PoolAction::resize, "cc", 7), farm.moment));
  EXPECT_THAT(farm.take_orders(), ElementsAre("a cc"));
  farm.pass(seconds(60));
  EXPECT_THAT(farm.take_orders(), IsEmpty());
}

TEST(PoolKeeper, a_node_that_comes_back_is_told_everything_again) {
  KeeperDriver farm;
  farm.create(farm.spec("cc"));
  farm.meet("a");
  farm.take_all();
  farm.set_state("a", NodeState::lost);
  farm.create(farm.spec("cxx"));
  EXPECT_THAT(farm.take_orders(), IsEmpty());
  farm.set_state("a", NodeState::ready);
  const auto told = farm.take_all();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told[0].complete);
  EXPECT_EQ(told[0].orders.size(), 2U);
}

TEST(PoolKeeper, orders_that_could_not_be_sent_are_said_again) {
  KeeperDriver farm;
  farm.meet("a");
  farm.create(farm.spec("cc"));
  farm.take_all();
  farm.keeper.unsent("a", farm.moment);
  farm.pass(seconds(1));
  const auto told = farm.take_all();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told[0].complete);
}

TEST(PoolKeeper, unselected_nodes_carry_the_definition_and_have_no_executors) {
  KeeperDriver farm;
  farm.meet("a", {{"zone", "a"}});
  farm.meet("b", {{"zone", "b"}});
  auto spec = farm.spec("cc");
  spec.nodes = {"zone=a"};
  spec.min_warm = 4;
  farm.create(spec);
  EXPECT_TRUE(farm.last_order("a", "cc").selected);
  EXPECT_EQ(farm.last_order("a", "cc").keep_ready, 4U);
  EXPECT_FALSE(farm.last_order("b", "cc").selected);
  EXPECT_EQ(farm.last_order("b", "cc").definition.version, 1U);
  EXPECT_EQ(farm.nodes_of("cc"), "a");
}

TEST(PoolKeeper, the_scheduler_hears_which_nodes_are_whose) {
  KeeperDriver farm;
  farm.meet("a");
  farm.create(farm.spec("cc"));
  farm.meet("b");
  auto changes = farm.take_selections();
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_THAT(changes[0].added, ElementsAre("a"));
  EXPECT_THAT(changes[1].added, ElementsAre("b"));
  ASSERT_TRUE(farm.keeper.change(farm.request(PoolAction::remove, "cc"), farm.moment));
  changes = farm.take_selections();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_FALSE(changes[0].exists);
  EXPECT_THAT(changes[0].removed, ElementsAre("a", "b"));
}

// ---- Learning ----------------------------------------------------------------------------------

TEST(PoolKeeper, definitions_are_learned_back_from_a_workers_report) {
  KeeperDriver farm;
  farm.join("a");
  farm.join("b");
  farm.take_all();
  farm.report("a", true, {}, {{farm.spec("cc"), 3, false, 1}});
  EXPECT_EQ(farm.last_order("a", "cc").definition.version, 3U);
  EXPECT_TRUE(farm.out.definitions_changed);
  farm.report("b", true, {});
  EXPECT_EQ(farm.last_order("b", "cc").definition.version, 3U) << "and told to others";
  EXPECT_EQ(farm.nodes_of("cc"), "a b");
}

TEST(PoolKeeper, a_deleted_pool_stays_deleted_when_an_old_worker_comes_back) {
  KeeperDriver farm;
  farm.create(farm.spec("cc"));
  ASSERT_TRUE(farm.keeper.change(farm.request(PoolAction::remove, "cc"), farm.moment));
  farm.join("old");
  farm.report("old", true, {}, {{farm.spec("cc"), 1, false, 1}});
  const auto order = farm.last_order("old", "cc");
  EXPECT_TRUE(order.definition.deleted);
  EXPECT_EQ(order.definition.version, 2U);
  EXPECT_FALSE(order.selected);
  EXPECT_THAT(farm.keeper.views("cc"), IsEmpty());
}

TEST(PoolKeeper, who_never_heard_of_a_deleted_pool_is_not_told) {
  KeeperDriver farm;
  farm.create(farm.spec("cc"));
  ASSERT_TRUE(farm.keeper.change(farm.request(PoolAction::remove, "cc"), farm.moment));
  farm.meet("new");
  EXPECT_THAT(farm.take_orders(), IsEmpty());
}

TEST(PoolKeeper, a_tombstone_is_learned_from_a_worker) {
  KeeperDriver farm;
  farm.keeper.load({{farm.spec("cc"), 1, false, 1}}, farm.moment);
  farm.join("a");
  farm.report("a", true, {}, {{farm.spec("cc"), 2, true, farm.moment.unix_s}});
  EXPECT_THAT(farm.keeper.views("cc"), IsEmpty());
}

TEST(PoolKeeper, a_worker_with_an_older_definition_is_told_again) {
  KeeperDriver farm;
  farm.meet("a");
  farm.create(farm.spec("cc", 1));
  ASSERT_TRUE(farm.keeper.change(farm.request(PoolAction::resize, "cc", 7), farm.moment));
  farm.take_all();
  farm.report("a", false, {}, {{farm.spec("cc", 1), 1, false, 1}});
  EXPECT_THAT(farm.take_orders(), ElementsAre("a cc"));
}

// ---- Spreads and wishes ------------------------------------------------------------------------

TEST(PoolKeeper, executors_kept_ready_are_spread_over_living_nodes) {
  KeeperDriver farm;
  for (const auto* name : {"a", "b", "c"}) farm.meet(name);
  auto spec = farm.spec("cc", 4);
  spec.min_warm = 6;
  farm.create(spec);
  EXPECT_EQ(farm.keeps("cc"), "a=2 b=2 c=2");
  farm.set_state("b", NodeState::draining);
  farm.pass(milliseconds(100));
  EXPECT_EQ(farm.keeps("cc"), "a=3 b=0 c=3");
  farm.set_state("c", NodeState::lost);
  farm.pass(milliseconds(100));
  EXPECT_EQ(farm.last_order("a", "cc").keep_ready, 4U) << "no more than it can have";
  farm.set_state("b", NodeState::ready);
  farm.pass(milliseconds(100));
  EXPECT_EQ(farm.last_order("a", "cc").keep_ready, 3U);
  EXPECT_EQ(farm.last_order("b", "cc").keep_ready, 3U);
}

TEST(PoolKeeper, a_node_where_the_pool_is_broken_keeps_none) {
  KeeperDriver farm;
  farm.meet("a");
  farm.meet("b");
  auto spec = farm.spec("cc", 8);
  spec.min_warm = 4;
  farm.create(spec);
  farm.report("a", false, {farm.standing("cc", 1, PoolState::broken)});
  farm.pass(milliseconds(100));
  EXPECT_EQ(farm.keeps("cc"), "a=0 b=4");
}

TEST(PoolKeeper, a_window_opens_and_closes_by_the_clock) {
  KeeperDriver farm;
  farm.set_clock({0, 7 * 60 + 59});
  farm.meet("a");
  auto spec = farm.spec("cc", 16);
  spec.min_warm = 1;
  spec.windows = {{0x1f, 8 * 60, 20 * 60, 16}};
  farm.create(spec);
  EXPECT_EQ(farm.last_order("a", "cc").keep_ready, 1U);
  ASSERT_TRUE(farm.keeper.next_deadline());
  EXPECT_EQ(*farm.keeper.next_deadline() - farm.moment.now, std::chrono::minutes(1));
  farm.pass(std::chrono::minutes(1));
  EXPECT_EQ(farm.last_order("a", "cc").keep_ready, 16U);
  for (int hour = 0; hour < 12; ++hour) farm.pass(std::chrono::hours(1));
  EXPECT_EQ(farm.last_order("a", "cc").keep_ready, 1U);
}

TEST(PoolKeeper, a_wish_for_warmth_is_spread_and_numbered) {
  KeeperDriver farm;
  farm.meet("a");
  farm.meet("b");
  farm.create(farm.spec("cc", 8));
  ASSERT_TRUE(farm.keeper.change(farm.request(PoolAction::warm, "cc", 5), farm.moment));
  const auto a = farm.last_order("a", "cc");
  const auto b = farm.last_order("b", "cc");
  EXPECT_EQ(a.wish, PoolWish::warm);
  EXPECT_EQ(a.warm + b.warm, 5U);
  EXPECT_NE(a.wish_number, 0U);
  EXPECT_NE(a.wish_number, b.wish_number);
}

TEST(PoolConformance, row_24_wishes_in_any_order_and_repeated_are_each_told_once) {
  KeeperDriver farm;
  farm.meet("a");
  farm.create(farm.spec("cc", 4));
  farm.take_all();
  std::uint64_t number = 0;
  const std::vector<std::pair<PoolAction, PoolWish>> wishes = {
      {PoolAction::quiesce, PoolWish::quiesce}, {PoolAction::quiesce, PoolWish::quiesce},
      {PoolAction::wake, PoolWish::warm},       {PoolAction::wake, PoolWish::warm},
      {PoolAction::quiesce, PoolWish::quiesce}, {PoolAction::warm, PoolWish::warm}};
  for (const auto& [action, wish] : wishes) {
    const std::uint32_t count = action == PoolAction::warm ? 1 : 0;
    ASSERT_TRUE(farm.keeper.change(farm.request(action, "cc", count), farm.moment));
    EXPECT_THAT(farm.take_orders(), ElementsAre("a cc"));
    const auto order = farm.last_order("a", "cc");
    EXPECT_EQ(order.wish, wish);
    EXPECT_GT(order.wish_number, number);
    EXPECT_EQ(order.definition.version, 1U) << "the definition stays";
    number = order.wish_number;
    farm.pass(seconds(30));
    EXPECT_THAT(farm.take_orders(), IsEmpty()) << "told once";
  }
}

TEST(PoolKeeper, waking_without_a_number_means_every_executor) {
  KeeperDriver farm;
  farm.meet("a");
  farm.create(farm.spec("cc"));  // as many as the node has slots
  ASSERT_TRUE(farm.keeper.change(farm.request(PoolAction::wake, "cc"), farm.moment));
  EXPECT_EQ(farm.last_order("a", "cc").warm, KeeperDriver::kSlots);
}

TEST(PoolKeeper, a_pool_that_no_node_is_for_cannot_be_warmed) {
  KeeperDriver farm;
  farm.meet("a");
  auto spec = farm.spec("cc");
  spec.nodes = {"gpu"};
  farm.create(spec);
  const auto refused = farm.keeper.change(farm.request(PoolAction::warm, "cc", 1), farm.moment);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("kiln pool show cc"));
}

std::string refusal_of(const Result<bool>& change) {
  if (change) return "not refused";
  EXPECT_EQ(change.error().code, Errc::invalid_argument);
  return change.error().message;
}

TEST(PoolKeeper, more_than_is_possible_is_refused_with_what_is) {
  KeeperDriver farm;
  farm.meet("a");
  farm.create(farm.spec("cc", 3));
  EXPECT_THAT(refusal_of(farm.keeper.change(farm.request(PoolAction::warm, "cc", 8), farm.moment)),
              HasSubstr("3 of 8 asked are possible: the pool \"cc\" has 1 node with 3 executors"));
  auto made = farm.request(PoolAction::create, "other");
  made.spec.executors = 2;
  made.spec.min_warm = 5;
  EXPECT_THAT(refusal_of(farm.keeper.change(made, farm.moment)), HasSubstr("2 of 5 asked"));
  EXPECT_THAT(farm.keeper.views("other"), IsEmpty());
  EXPECT_TRUE(farm.keeper.change(farm.request(PoolAction::warm, "cc", 3), farm.moment));
}

TEST(PoolKeeper, what_will_be_possible_is_not_known_before_a_node_is_there) {
  KeeperDriver farm;
  auto made = farm.request(PoolAction::create, "cc", 100);
  made.spec.min_warm = 100;
  EXPECT_TRUE(farm.keeper.change(made, farm.moment));
  farm.meet("a");
  EXPECT_TRUE(farm.keeper.change(made, farm.moment)) << "the same again";
}

TEST(PoolKeeper, warming_nothing_is_refused) {
  KeeperDriver farm;
  farm.meet("a");
  farm.create(farm.spec("cc"));
  EXPECT_THAT(refusal_of(farm.keeper.change(farm.request(PoolAction::warm, "cc"), farm.moment)),
              HasSubstr("0 executors"));
}

TEST(PoolKeeper, the_default_pool_cannot_be_quiesced) {
  KeeperDriver farm;
  farm.meet("a");
  EXPECT_THAT(
      refusal_of(farm.keeper.change(farm.request(PoolAction::quiesce, "default"), farm.moment)),
      HasSubstr("cannot be quiesced"));
}

TEST(PoolKeeper, executors_of_a_lost_node_do_not_count) {
  KeeperDriver farm;
  farm.meet("a");
  farm.create(farm.spec("cc", 2));
  auto ready = farm.standing("cc", 1, PoolState::ready);
  ready.ready = 2;
  farm.report("a", false, {ready});
  EXPECT_EQ(farm.keeper.views("cc")[0].nodes[0].pool->ready, 2U);
  farm.set_state("a", NodeState::lost);
  const auto node = farm.keeper.views("cc")[0].nodes[0];
  EXPECT_EQ(node.state, NodeState::lost);
  EXPECT_EQ(node.pool->ready, 0U);
  EXPECT_EQ(node.pool->state, PoolState::cold);
  EXPECT_EQ(node.wanted, 0U);
  EXPECT_FALSE(node.answered);
}

TEST(PoolKeeper, pools_that_are_not_there_are_refused_by_name) {
  KeeperDriver farm;
  for (const auto action : {PoolAction::warm, PoolAction::quiesce, PoolAction::wake,
                            PoolAction::resize, PoolAction::remove}) {
    const auto refused = farm.keeper.change(farm.request(action, "cc", 1), farm.moment);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::not_found);
    EXPECT_THAT(refused.error().message, HasSubstr("\"cc\""));
  }
}

TEST(PoolConformance, row_29_the_part_of_a_node_that_vanishes_is_warmed_elsewhere) {
  KeeperDriver farm;
  farm.meet("a");
  farm.meet("b");
  auto request = farm.request(PoolAction::create, "cc", 6);
  request.spec.executors = 8;
  ASSERT_TRUE(farm.keeper.change(request, farm.moment));
  EXPECT_EQ(farm.last_order("a", "cc").warm, 3U);
  farm.set_state("b", NodeState::lost);
  farm.pass(milliseconds(100));
  EXPECT_EQ(farm.last_order("a", "cc").warm, 6U);
  EXPECT_EQ(farm.keeper.views("cc")[0].nodes[1].state, NodeState::lost) << "and is shown";
}

TEST(PoolKeeper, a_node_that_vanishes_long_after_the_wish_wakes_nobody) {
  KeeperDriver farm;
  farm.meet("a");
  farm.meet("b");
  ASSERT_TRUE(farm.keeper.change(farm.request(PoolAction::create, "cc", 6), farm.moment));
  farm.pass(std::chrono::minutes(5));
  farm.set_state("b", NodeState::lost);
  farm.pass(seconds(1));
  EXPECT_EQ(farm.last_order("a", "cc").warm, 3U);
}

TEST(PoolKeeper, the_default_pool_is_warmed_but_never_defined) {
  KeeperDriver farm;
  farm.meet("a");
  EXPECT_THAT(farm.take_orders(), IsEmpty());
  ASSERT_TRUE(farm.keeper.change(farm.request(PoolAction::warm, "default", 2), farm.moment));
  EXPECT_THAT(farm.take_orders(), ElementsAre("a default"));
  EXPECT_EQ(farm.last_order("a", "default").warm, 2U);
  EXPECT_EQ(farm.last_order("a", "default").definition.version, 0U);
  EXPECT_FALSE(farm.keeper.change(farm.request(PoolAction::remove, "default"), farm.moment));
}

TEST(PoolKeeper, waiting_requests_wake_cold_nodes_but_not_again_at_once) {
  KeeperDriver farm;
  farm.meet("a");
  farm.meet("b");
  farm.create(farm.spec("cc", 4));
  farm.report("a", false, {farm.standing("cc", 1, PoolState::quiesced)});
  farm.report("b", false, {farm.standing("cc", 1, PoolState::ready)});
  farm.take_all();
  farm.keeper.burst("cc", 3, farm.moment);
  EXPECT_THAT(farm.take_orders(), ElementsAre("a cc"));
  EXPECT_EQ(farm.last_order("a", "cc").warm, 3U);
  farm.keeper.burst("cc", 3, farm.moment);
  EXPECT_THAT(farm.take_orders(), IsEmpty());
}

// ---- What is shown -----------------------------------------------------------------------------

TEST(PoolConformance, row_2_executors_are_the_definitions_number_else_the_nodes_slots) {
  KeeperDriver farm;
  farm.meet("a");
  farm.create(farm.spec("some", 3));
  farm.create(farm.spec("all"));
  EXPECT_EQ(farm.keeper.views("some")[0].nodes[0].pool->executors, 3U);
  EXPECT_EQ(farm.keeper.views("all")[0].nodes[0].pool->executors, KeeperDriver::kSlots);
}

TEST(PoolConformance, row_4_the_view_says_which_node_is_still_staging_or_starting) {
  KeeperDriver farm;
  farm.meet("a");
  farm.meet("b");
  ASSERT_TRUE(farm.keeper.change(farm.request(PoolAction::create, "cc", 4), farm.moment));
  auto view = farm.keeper.views("cc")[0];
  ASSERT_EQ(view.nodes.size(), 2U);
  EXPECT_EQ(view.nodes[0].wanted, 2U);
  EXPECT_FALSE(view.nodes[0].answered) << "it has not said anything since it was told";
  auto starting = farm.standing("cc", 1, PoolState::warming);
  starting.starting = 2;
  farm.report("a", false, {starting});
  view = farm.keeper.views("cc")[0];
  EXPECT_TRUE(view.nodes[0].answered);
  EXPECT_EQ(view.nodes[0].pool->starting, 2U);
  EXPECT_FALSE(view.nodes[1].answered);
}

TEST(PoolKeeper, an_answer_counts_only_after_the_order_and_for_its_version) {
  KeeperDriver farm;
  farm.meet("a");
  farm.create(farm.spec("cc", 2));
  farm.report("a", false, {farm.standing("cc", 1, PoolState::ready)});
  EXPECT_TRUE(farm.keeper.views("cc")[0].nodes[0].answered);
  ASSERT_TRUE(farm.keeper.change(farm.request(PoolAction::resize, "cc", 5), farm.moment));
  EXPECT_FALSE(farm.keeper.views("cc")[0].nodes[0].answered);
  farm.report("a", false, {farm.standing("cc", 1, PoolState::ready)});
  EXPECT_FALSE(farm.keeper.views("cc")[0].nodes[0].answered) << "of the version before";
  farm.report("a", false, {farm.standing("cc", 2, PoolState::ready)});
  EXPECT_TRUE(farm.keeper.views("cc")[0].nodes[0].answered);
}

TEST(PoolKeeper, views_are_of_one_pool_or_of_all_with_the_default_first) {
  KeeperDriver farm;
  farm.create(farm.spec("cc"));
  farm.create(farm.spec("aa"));
  const auto all = farm.keeper.views("");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].definition->spec.name, "default");
  EXPECT_EQ(all[1].definition->spec.name, "aa");
  EXPECT_EQ(farm.keeper.views("cc").size(), 1U);
  EXPECT_THAT(farm.keeper.views("none"), IsEmpty());
}

TEST(PoolKeeper, what_is_forgotten_leaves_nothing_behind) {
  KeeperDriver farm;
  farm.meet("a");
  farm.create(farm.spec("cc"));
  ASSERT_TRUE(farm.keeper.change(farm.request(PoolAction::remove, "cc"), farm.moment));
  for (int day = 0; day <= 31; ++day) farm.pass(std::chrono::hours(24));
  EXPECT_THAT(farm.keeper.catalog().all(), IsEmpty());
  farm.keeper.forgotten("a");
  EXPECT_THAT(farm.keeper.views("")[0].nodes, IsEmpty());
}

}  // namespace
}  // namespace kiln::coordinator
