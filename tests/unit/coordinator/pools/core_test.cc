#include "coordinator/pools/core.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/coordinator/pools/keeper_driver.h"

namespace kiln::coordinator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CoreTest : public testing::Test {
 protected:
  Moment moment() const { return {now, 1'000'000 * 60, {}}; }
  void take(const CoreOutputs& out) {
    for (const auto& output : out.scheduler) {
      if (const auto* grant = std::get_if<LeasesGranted>(&output)) {
        for (const auto& slot : grant->slots) granted.push_back(slot.lease);
      }
      if (const auto* refusal = std::get_if<LeasesRefused>(&output)) refused = refusal->error;
    }
    for (const auto& one : out.orders) orders.push_back(one);
    for (const auto answer : out.answers) answers.push_back(answer);
  }
  void send(const Event& event) { take(core.step(moment(), event)); }
  void join(const std::string& name, std::uint64_t epoch = 1) {
    NodeInfo info;
    info.name = name;
    info.epoch = epoch;
    info.slots = 4;
    info.architecture = "x86_64";
    send(WorkerJoined{info, {}});
  }
  void report(const std::string& name, std::vector<PoolOnNode> pools,
              std::vector<PoolDefinition> definitions = {}) {
    take(core.reported(moment(), {name, 1, true, std::move(pools), std::move(definitions)}));
  }
  void change(const PoolRequest& request) {
    auto changed = core.change(moment(), request);
    ASSERT_TRUE(changed) << changed.error().message;
    asked = changed->answer;
    take(changed->outputs);
  }
  // As a worker that numbers what it reflects: it has taken up all orders.
  void reflect(const std::string& name, PoolState state, std::uint64_t version = 1) {
    auto pool = KeeperDriver::standing("cc", version, state);
    for (const auto& one : orders) {
      if (one.worker == name && !one.orders.empty()) pool.order = one.orders.back().number;
    }
    take(core.reported(moment(), {name, 1, false, {pool}, {}, options.epoch}));
  }
  // What `name` shows of the pool, and that it is the state after the order.
  PoolState shown(const std::string& name) const {
    const auto pools = core.pools("cc");
    for (const auto& node : pools.at(0).nodes) {
      if (node.node != name) continue;
      EXPECT_TRUE(node.answered) << name;
      return node.pool->state;
    }
    ADD_FAILURE() << name << " is not listed";
    return PoolState::broken;
  }
  void want(std::uint64_t request, std::uint32_t count) {
    LeasesWanted wanted;
    wanted.key = {1, request};
    wanted.pool = "cc";
    wanted.architecture = "x86_64";
    wanted.count = count;
    send(wanted);
  }

  TimePoint now{};
  SchedulerOptions options;
  Core core{options};
  std::vector<Lease> granted;
  std::vector<WorkerOrders> orders;
  std::vector<AnswerId> answers;
  AnswerId asked = 0;  // the answer of the last change
  Error refused;
};

TEST_F(CoreTest, a_pool_is_made_told_answered_and_used) {
  send(ClientJoined{1});
  join("a");
  report("a", {});
  change(KeeperDriver::request(PoolAction::create, "cc"));
  ASSERT_FALSE(orders.empty());
  EXPECT_EQ(orders.back().orders.at(0).definition.spec.name, "cc");
  want(1, 1);
  EXPECT_TRUE(granted.empty());
  report("a", {KeeperDriver::standing("cc", 1, PoolState::cold)});
  ASSERT_EQ(granted.size(), 1U);
  EXPECT_EQ(granted[0].pool, "cc");
}

TEST_F(CoreTest, what_a_worker_teaches_is_used_at_once) {
  send(ClientJoined{1});
  join("a");
  report("a", {KeeperDriver::standing("cc", 3, PoolState::ready)},
         {{KeeperDriver::spec("cc"), 3, false, 1}});
  want(1, 1);
  EXPECT_EQ(granted.size(), 1U);
}

TEST_F(CoreTest, a_node_that_is_rejected_is_told_nothing) {
  join("a", 1);
  report("a", {});
  orders.clear();
  join("a", 2);
  change(KeeperDriver::request(PoolAction::create, "cc"));
  EXPECT_EQ(orders.size(), 1U) << "the living one only";
}

TEST_F(CoreTest, a_silent_node_is_lost_to_its_pools_and_forgotten_later) {
  join("a");
  report("a", {});
  change(KeeperDriver::request(PoolAction::create, "cc"));
  now += seconds(4);
  send(Tick{});
  ASSERT_EQ(core.pools("cc")[0].nodes.size(), 1U);
  EXPECT_EQ(core.pools("cc")[0].nodes[0].state, NodeState::lost);
  now += std::chrono::minutes(11);
  send(Tick{});
  EXPECT_TRUE(core.pools("cc")[0].nodes.empty());
}

TEST_F(CoreTest, requests_that_wait_wake_cold_nodes) {
  send(ClientJoined{1});
  join("a");
  report("a", {});
  change(KeeperDriver::request(PoolAction::create, "cc"));
  report("a", {KeeperDriver::standing("cc", 1, PoolState::quiesced)});
  want(1, 20);
  EXPECT_EQ(granted.size(), 8U) << "slots and staging places";
  EXPECT_EQ(core.pools("cc")[0].waiting, 1U);
  orders.clear();
  ASSERT_TRUE(core.next_deadline());
  EXPECT_LE(*core.next_deadline(), now + milliseconds(250));
  now += milliseconds(250);
  send(Tick{});
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].orders.at(0).wish, PoolWish::warm);
}

// ---- Answers that show what came of a change ---------------------------------------------------

class AnswersOfChanges : public CoreTest {
 protected:
  void SetUp() override {
    for (const auto* name : {"a", "b"}) {
      join(name);
      report(name, {});
    }
    change(KeeperDriver::request(PoolAction::create, "cc", 8));
    for (const auto* name : {"a", "b"}) reflect(name, PoolState::ready);
    EXPECT_THAT(answers, ElementsAre(asked)) << "with warmth at once";
    answers.clear();
  }
};

TEST_F(AnswersOfChanges, the_answer_comes_when_every_node_has_taken_the_change_up) {
  const std::vector<std::pair<PoolAction, PoolState>> changes = {
      {PoolAction::quiesce, PoolState::quiesced},
      {PoolAction::wake, PoolState::warming},
      {PoolAction::resize, PoolState::ready}};
  for (const auto& [action, after] : changes) {
    answers.clear();
    change(KeeperDriver::request(action, "cc", action == PoolAction::resize ? 2 : 0));
    const std::uint64_t version = action == PoolAction::resize ? 2 : 1;
    reflect("a", after, version);
    EXPECT_THAT(answers, IsEmpty());
    reflect("b", after, version);
    EXPECT_THAT(answers, ElementsAre(asked));
    EXPECT_EQ(shown("a"), after);
    EXPECT_EQ(shown("b"), after);
  }
}

TEST_F(AnswersOfChanges, a_cold_pools_answer_waits_too_and_others_do_not) {
  change(KeeperDriver::request(PoolAction::remove, "cc"));
  EXPECT_THAT(answers, ElementsAre(asked));
  change(KeeperDriver::request(PoolAction::create, "cc"));
  EXPECT_EQ(answers.size(), 1U);
  for (const auto* name : {"a", "b"}) reflect(name, PoolState::cold, 3);
  EXPECT_EQ(answers.back(), asked);
  change(KeeperDriver::request(PoolAction::warm, "cc", 2));
  EXPECT_EQ(answers.back(), asked);
}

TEST_F(AnswersOfChanges, what_changes_nothing_on_any_node_is_answered_at_once) {
  change(KeeperDriver::request(PoolAction::create, "cc"));
  EXPECT_THAT(answers, ElementsAre(asked));
}

TEST_F(AnswersOfChanges, a_node_that_dies_meanwhile_is_waited_for_no_longer) {
  change(KeeperDriver::request(PoolAction::quiesce, "cc"));
  reflect("a", PoolState::quiesced);
  EXPECT_THAT(answers, IsEmpty());
  send(WorkerGone{"b", 1, "closed"});
  EXPECT_THAT(answers, ElementsAre(asked));
}

TEST_F(AnswersOfChanges, a_node_that_says_nothing_is_waited_for_a_second) {
  change(KeeperDriver::request(PoolAction::quiesce, "cc"));
  ASSERT_TRUE(core.next_deadline());
  EXPECT_LE(*core.next_deadline(), now + seconds(1));
  now += seconds(1);
  send(Tick{});
  EXPECT_THAT(answers, ElementsAre(asked));
}

TEST_F(AnswersOfChanges, of_a_worker_that_numbers_nothing_the_next_report_counts) {
  change(KeeperDriver::request(PoolAction::quiesce, "cc"));
  for (const auto* name : {"a", "b"}) {
    report(name, {KeeperDriver::standing("cc", 1, PoolState::quiesced)});
  }
  EXPECT_THAT(answers, ElementsAre(asked));
}

TEST_F(AnswersOfChanges, of_several_askers_each_gets_the_state_after_its_own_change) {
  change(KeeperDriver::request(PoolAction::quiesce, "cc"));
  const auto first = asked;
  const auto known = orders;
  change(KeeperDriver::request(PoolAction::wake, "cc"));
  auto all = std::exchange(orders, known);
  for (const auto* name : {"a", "b"}) reflect(name, PoolState::quiesced);
  EXPECT_THAT(answers, ElementsAre(first));
  orders = std::move(all);
  for (const auto* name : {"a", "b"}) reflect(name, PoolState::warming);
  EXPECT_THAT(answers, ElementsAre(first, asked));
}

TEST_F(CoreTest, the_operators_word_outlives_a_lost_disk) {
  ASSERT_TRUE(core.put(moment(), KeeperDriver::spec("cc", 8)));
  join("a");
  report("a", {}, {{KeeperDriver::spec("cc", 2), 5, false, 1}});
  const auto view = core.pools("cc").at(0);
  EXPECT_EQ(view.definition->spec.executors, 8U);
  EXPECT_EQ(view.definition->version, 6U);
  report("a", {}, {{KeeperDriver::spec("cc", 3), 7, false, 1}});
  EXPECT_EQ(core.pools("cc").at(0).definition->version, 7U) << "said once only";
}

}  // namespace
}  // namespace kiln::coordinator
