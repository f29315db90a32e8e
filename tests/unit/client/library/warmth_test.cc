#include "client/library/warmth.h"

#include <gtest/gtest.h>

namespace kiln::v1 {
namespace {

NodeWarmth node(const std::string& name, std::uint32_t wanted, std::uint32_t ready) {
  NodeWarmth one;
  one.node = name;
  one.node_state = "ready";
  one.state = ready > 0 ? "ready" : "warming";
  one.answered = true;
  one.wanted = wanted;
  one.ready = ready;
  return one;
}
NodeWarmth broken(const std::string& name, const std::string& reason, int exit_code) {
  NodeWarmth one = node(name, 2, 0);
  one.state = "broken";
  one.reason = reason;
  one.exit_code = exit_code;
  one.output = "no such compiler";
  return one;
}
PoolStatus pool(std::vector<NodeWarmth> nodes) {
  PoolStatus status;
  status.name = "p";
  status.nodes = std::move(nodes);
  return status;
}

TEST(PoolConformance, row_4_waiting_says_which_node_and_for_what) {
  NodeWarmth silent = node("w3", 1, 0);
  silent.answered = false;
  NodeWarmth starting = node("w2", 2, 1);
  starting.starting = 1;
  const auto warmth =
      judge(pool({node("w1", 2, 2), starting, silent, node("w4", 1, 0)}), Warm::all());
  EXPECT_EQ(warmth.kind, Warmth::Kind::waiting);
  EXPECT_EQ(warmth.waits_for,
            "w2 (1 of 2 executors ready, 1 starting), w3 (has not answered yet), "
            "w4 (0 of 1 executors ready, staging)");
}

TEST(Warmth, is_reached_when_every_node_has_what_is_wanted) {
  NodeWarmth busy = node("w1", 2, 1);
  busy.busy = 1;
  EXPECT_EQ(judge(pool({busy, node("w2", 0, 0)}), Warm::executors(2)).kind, Warmth::Kind::reached);
}

TEST(Warmth, of_nothing_is_reached_at_once) {
  EXPECT_EQ(judge(pool({}), Warm::none()).kind, Warmth::Kind::reached);
}

TEST(Warmth, does_not_wait_for_lost_and_broken_nodes) {
  NodeWarmth lost = node("w2", 2, 0);
  lost.node_state = "lost";
  const auto nodes = {node("w1", 1, 1), lost, broken("w3", "it failed", 1)};
  EXPECT_EQ(judge(pool(nodes), Warm::all()).kind, Warmth::Kind::reached);
}

TEST(Warmth, waits_for_a_node_to_appear_or_be_chosen) {
  const auto nobody = judge(pool({}), Warm::all());
  EXPECT_EQ(nobody.kind, Warmth::Kind::waiting);
  EXPECT_EQ(nobody.error->failure, Failure::no_node);
  EXPECT_EQ(judge(pool({node("w1", 0, 0)}), Warm::all()).kind, Warmth::Kind::waiting);
}

TEST(Warmth, of_a_number_is_not_reached_by_the_part_of_the_nodes_that_are_left) {
  NodeWarmth lost = node("w2", 0, 0);
  lost.node_state = "lost";
  const auto warmth = judge(pool({node("w1", 2, 2), lost}), Warm::executors(4));
  EXPECT_EQ(warmth.kind, Warmth::Kind::waiting);
  EXPECT_EQ(warmth.waits_for, "nodes for the others: 2 of 4 executors ready");
}

TEST(PoolConformance, row_10_a_failing_initializer_reaches_the_caller_with_code_and_output) {
  const auto warmth =
      judge(pool({broken("w1", "step 1 ended with 3", 3), node("w2", 0, 0)}), Warm::executors(1));
  ASSERT_EQ(warmth.kind, Warmth::Kind::failed);
  EXPECT_EQ(warmth.error->failure, Failure::initializer_failed);
  EXPECT_EQ(warmth.error->node, "w1");
  EXPECT_EQ(warmth.error->stdout_text, "no such compiler");
  EXPECT_EQ(warmth.error->message,
            "the pool 'p' is broken on w1: step 1 ended with 3 (exit code 3); its initializer's "
            "last words: no such compiler");
}

TEST(PoolConformance, row_11_a_hanging_initializer_has_a_name_of_its_own) {
  const auto warmth = judge(pool({broken("w1", "killed at its time limit", 0)}), Warm::all());
  ASSERT_EQ(warmth.kind, Warmth::Kind::failed);
  EXPECT_EQ(warmth.error->failure, Failure::initializer_timed_out);
}

TEST(PoolConformance, row_16_a_pool_broken_otherwise_is_just_broken) {
  const auto warmth = judge(pool({broken("w1", "the template died", 0)}), Warm::all());
  EXPECT_EQ(warmth.error->failure, Failure::pool_broken);
}

}  // namespace
}  // namespace kiln::v1
