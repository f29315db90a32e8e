#include "coordinator/scheduling/placement.h"

#include <limits>
#include <map>

#include <gtest/gtest.h>

#include "tests/unit/coordinator/scheduling/farm.h"

namespace kiln::coordinator {
namespace {

class PlacementTest : public testing::Test {
 protected:
  Node& add(const std::string& name, std::uint32_t slots, const Occupancy& occupancy = {}) {
    auto& node = nodes_.add(Farm::node(name, slots));
    nodes_.change(node, [&](Node& changed) {
      changed.occupancy = std::make_shared<const Occupancy>(occupancy);
    });
    return node;
  }
  std::string chosen(const LeasesWanted& wanted, Room room = Room::slot) {
    const auto number = choose_node(nodes_, wanted, room, random_);
    return number ? nodes_.at(*number).info->name : "none";
  }

  NodeTable nodes_{1};
  Random random_{1};
};

TEST_F(PlacementTest, a_staged_toolchain_beats_idleness) {
  auto wanted = Farm::want(1, 1, 1);
  wanted.toolchain = digest_of("gcc");
  auto busy = Farm::idle(1, {wanted.toolchain});
  busy.running = 3;
  add("cold", 4);
  add("warm", 4, busy);
  EXPECT_EQ(chosen(wanted), "warm");
}

TEST_F(PlacementTest, a_warm_node_is_found_among_thousands) {
  auto wanted = Farm::want(1, 1, 1);
  wanted.toolchain = digest_of("gcc");
  for (int i = 0; i < 2'000; ++i) add("cold" + std::to_string(i), 4);
  add("warm", 4, Farm::idle(1, {wanted.toolchain}));
  EXPECT_EQ(chosen(wanted), "warm");
}

TEST_F(PlacementTest, idle_nodes_come_first) {
  auto half = Farm::idle();
  half.running = 2;
  add("half", 4, half);
  add("idle", 4);
  EXPECT_EQ(chosen(Farm::want(1, 1, 1)), "idle");
}

Occupancy at_speed(double speed, std::uint32_t running = 0) {
  auto occupancy = Farm::idle();
  occupancy.core_speed = speed;
  occupancy.running = running;
  return occupancy;
}

TEST_F(PlacementTest, faster_cores_are_worth_a_third_of_the_slots_for_twice_the_speed) {
  add("slow", 12, at_speed(0.5));
  add("fast", 12, at_speed(1, 3));
  EXPECT_EQ(chosen(Farm::want(1, 1, 1)), "fast");
}

TEST_F(PlacementTest, faster_cores_are_not_worth_more) {
  add("slow", 12, at_speed(0.5));
  add("fast", 12, at_speed(1, 5));
  EXPECT_EQ(chosen(Farm::want(1, 1, 1)), "slow");
}

TEST_F(PlacementTest, a_node_that_has_not_told_its_speed_counts_as_the_reference) {
  add("slow", 4, at_speed(0.8));
  add("unknown", 4, at_speed(0));
  EXPECT_EQ(chosen(Farm::want(1, 1, 1)), "unknown");
}

TEST_F(PlacementTest, no_speed_outweighs_a_ready_executor_with_the_toolchain) {
  auto wanted = Farm::want(1, 1, 1);
  wanted.toolchain = digest_of("gcc");
  auto warm = at_speed(0.25);
  warm.toolchains = {wanted.toolchain};
  warm.ready = 1;
  add("warm", 4, warm);
  add("boast", 4, at_speed(std::numeric_limits<double>::infinity()));
  EXPECT_EQ(chosen(wanted), "warm");
}

TEST_F(PlacementTest, one_key_stays_on_one_node_while_it_has_room_to_spare) {
  for (int i = 0; i < 100; ++i) add("n" + std::to_string(i), 8);
  auto wanted = Farm::want(1, 1, 1);
  std::map<std::string, int> favourites;
  for (int key = 0; key < 50; ++key) {
    wanted.affinity = "key" + std::to_string(key);
    const auto favourite = chosen(wanted);
    for (int again = 0; again < 5; ++again) EXPECT_EQ(chosen(wanted), favourite);
    ++favourites[favourite];
  }
  EXPECT_GT(favourites.size(), 20U) << "keys are spread";
}

TEST_F(PlacementTest, constraints_are_kept) {
  auto arm = Farm::node("arm", 4);
  arm.architecture = "aarch64";
  nodes_.add(arm);
  auto& full = add("full", 1);
  nodes_.add_leased(full, kDefaultPool, +1);
  auto& draining = add("draining", 4);
  nodes_.change(draining, [](Node& node) { node.state = NodeState::draining; });
  auto& lost = add("lost", 4);
  nodes_.change(lost, [](Node& node) { node.state = NodeState::lost; });
  EXPECT_EQ(chosen(Farm::want(1, 1, 1)), "none");
  EXPECT_EQ(chosen(Farm::want(1, 1, 1), Room::staging), "full");
  nodes_.add_leased(full, kDefaultPool, +1);
  EXPECT_EQ(chosen(Farm::want(1, 1, 1), Room::staging), "none");
}

TEST_F(PlacementTest, indexes_follow_every_change) {
  auto& node = add("a", 2, Farm::idle(1, {digest_of("gcc")}));
  EXPECT_EQ(nodes_.staged(digest_of("gcc")).size(), 1U);
  EXPECT_EQ(nodes_.free_slots(), 2U);
  nodes_.add_leased(node, kDefaultPool, +1);
  EXPECT_EQ(nodes_.free_slots(), 1U);
  nodes_.change(node,
                [](Node& changed) { changed.occupancy = std::make_shared<const Occupancy>(); });
  EXPECT_TRUE(nodes_.staged(digest_of("gcc")).empty());
  nodes_.remove(node.number);
  EXPECT_EQ(nodes_.free_slots(), 0U);
  EXPECT_EQ(nodes_.total_slots(), 0U);
  EXPECT_EQ(nodes_.usable({"x86_64"}), 0U);
}

}  // namespace
}  // namespace kiln::coordinator
