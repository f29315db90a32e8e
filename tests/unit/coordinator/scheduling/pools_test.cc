// Who gets slots of a pool's nodes.
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/coordinator/scheduling/farm.h"

namespace kiln::coordinator {
namespace {

using testing::Each;
using testing::HasSubstr;

class PoolScheduling : public testing::Test {
 protected:
  void SetUp() override { farm.send(ClientJoined{1}); }

  void select(const std::string& pool, std::vector<std::string> nodes) {
    farm.send(PoolsSelected{{{pool, true, std::move(nodes), {}}}});
  }
  void tell(const std::string& node, PoolState state, std::uint32_t ready = 0,
            const std::string& reason = "", const std::string& pool = "cc",
            std::uint32_t executors = 0) {
    PoolOnNode told;
    told.starting = state == PoolState::warming ? 1 : 0;
    told.executors = executors;
    told.name = pool;
    told.version = 1;
    told.state = state;
    told.ready = ready;
    told.reason = reason;
    last = farm.send(WorkerPools{node, 1, false, {told}});
  }
  static LeasesWanted want(std::uint64_t request, std::uint32_t count,
                           const std::string& pool = "cc", const std::string& build = "") {
    auto wanted = Farm::want(1, request, count, build);
    wanted.pool = pool;
    return wanted;
  }
  // Grants by node.
  std::map<std::string, int> granted() {
    std::map<std::string, int> by_node;
    for (const auto& slot : farm.granted) ++by_node[slot.lease.worker];
    return by_node;
  }
  std::string refusal(const Outputs& outputs, Errc code) {
    const auto* refused = first<LeasesRefused>(outputs);
    if (refused == nullptr) return "not refused";
    EXPECT_EQ(refused->error.code, code);
    return refused->error.message;
  }

  Farm farm;
  Outputs last;
};

TEST_F(PoolScheduling, a_pool_that_is_not_known_is_refused_with_what_to_do) {
  farm.join("a", 4);
  const auto message = refusal(farm.send(want(1, 1)), Errc::invalid_argument);
  EXPECT_THAT(message, HasSubstr("no pool \"cc\""));
  EXPECT_THAT(message, HasSubstr("kiln pool create cc"));
}

TEST_F(PoolScheduling, only_selected_nodes_that_know_the_pool_get_its_tasks) {
  for (const auto* name : {"a", "b", "c"}) farm.join(name, 4);
  select("cc", {"a", "b"});
  tell("a", PoolState::ready, 4);
  farm.send(want(1, 20));
  EXPECT_EQ(granted(), (std::map<std::string, int>{{"a", 8}})) << "b has not heard of it yet";
  tell("b", PoolState::cold);
  EXPECT_EQ(granted(), (std::map<std::string, int>{{"a", 8}, {"b", 8}}));
  for (const auto& slot : farm.granted) EXPECT_EQ(slot.lease.pool, "cc");
}

TEST_F(PoolScheduling, a_pool_that_is_told_without_a_version_is_not_there) {
  farm.join("a", 4);
  select("cc", {"a"});
  PoolOnNode gone;
  gone.name = "cc";
  farm.send(WorkerPools{"a", 1, false, {gone}});
  farm.send(want(1, 1));
  EXPECT_TRUE(farm.granted.empty());
  tell("a", PoolState::cold);
  EXPECT_EQ(farm.granted.size(), 1U);
}

TEST_F(PoolScheduling, calls_without_a_pool_use_the_default_one) {
  farm.join("a", 4);
  farm.send(want(1, 1, ""));
  ASSERT_EQ(farm.granted.size(), 1U);
  EXPECT_EQ(farm.granted[0].lease.pool, "default");
}

TEST_F(PoolScheduling, a_ready_executor_beats_a_staged_toolchain_and_that_beats_the_rest) {
  const auto gcc = digest_of("gcc");
  farm.join("cold", 4);
  farm.join("staged", 4, {gcc});
  farm.join("ready", 4);
  select("cc", {"cold", "staged", "ready"});
  tell("cold", PoolState::cold);
  tell("staged", PoolState::quiesced);
  tell("ready", PoolState::ready, 2);
  auto wanted = want(1, 1);
  wanted.toolchain = gcc;
  std::vector<std::string> order;
  for (int i = 0; i < 4; ++i) {
    wanted.key.request = static_cast<std::uint64_t>(i) + 1;
    farm.send(wanted);
    order.push_back(farm.granted.back().lease.worker);
  }
  EXPECT_EQ(order, (std::vector<std::string>{"ready", "ready", "staged", "staged"}))
      << "two leases take the two executors";
}

TEST_F(PoolScheduling, a_warm_node_of_a_pool_is_found_among_thousands) {
  std::vector<std::string> names;
  for (int i = 0; i < 2'000; ++i) names.push_back("n" + std::to_string(i));
  for (const auto& name : names) farm.join(name, 4);
  select("cc", names);
  for (const auto& name : names) tell(name, PoolState::cold);
  tell("n1234", PoolState::ready, 1);
  farm.send(want(1, 1));
  EXPECT_EQ(granted(), (std::map<std::string, int>{{"n1234", 1}}));
}

TEST_F(PoolScheduling, a_small_pool_is_found_among_thousands_of_other_nodes) {
  for (int i = 0; i < 2'000; ++i) farm.join("n" + std::to_string(i), 4);
  select("cc", {"n77"});
  tell("n77", PoolState::cold);
  farm.send(want(1, 2));
  EXPECT_EQ(granted(), (std::map<std::string, int>{{"n77", 2}}));
}

TEST_F(PoolScheduling, tasks_of_a_cold_or_warming_pool_are_given_nodes_and_never_refused) {
  farm.join("a", 2);
  farm.join("b", 2);
  select("cc", {"a", "b"});
  const auto early = farm.send(want(1, 1));
  EXPECT_EQ(first<LeasesRefused>(early), nullptr) << "no node has answered yet";
  EXPECT_TRUE(farm.granted.empty());
  tell("a", PoolState::warming);
  EXPECT_EQ(farm.granted.size(), 1U);
  tell("b", PoolState::cold);
  farm.send(want(2, 4));
  EXPECT_EQ(farm.granted.size(), 5U);
}

// The node "a" and the client say every second that they live.
Outputs live(Farm& farm, Duration time) {
  Outputs all;
  for (const TimePoint end = farm.now + time; farm.now < end;) {
    farm.send(WorkerReported{"a", 1, Farm::idle()});
    farm.send(ClientHeard{1});
    for (auto& output : farm.pass(seconds(1))) all.push_back(std::move(output));
  }
  return all;
}

using PoolConformance = PoolScheduling;

TEST_F(PoolConformance, row_3_a_request_is_kept_as_long_as_its_pool_warms) {
  farm.join("a", 1);
  select("cc", {"a"});
  tell("a", PoolState::warming);
  farm.send(want(1, 1'000));
  EXPECT_EQ(farm.granted.size(), 2U) << "what the node may take ahead";
  const auto out = live(farm, std::chrono::minutes(10));
  EXPECT_EQ(first<LeasesRefused>(out), nullptr);
  ASSERT_NE(first<RequestKept>(out), nullptr);
  EXPECT_EQ(first<RequestKept>(out)->key, (RequestKey{1, 1}));
  EXPECT_EQ(farm.scheduler.waiting_requests(), 1U);
  tell("a", PoolState::ready, 1);
  EXPECT_THAT(refusal(live(farm, seconds(11)), Errc::timed_out), HasSubstr("busy"));
  EXPECT_EQ(farm.scheduler.waiting_requests(), 0U);
}

TEST_F(PoolConformance, row_3_a_request_ends_when_its_warming_pool_breaks_or_the_node_goes) {
  farm.join("a", 1);
  select("cc", {"a"});
  tell("a", PoolState::warming);
  farm.send(want(1, 1'000));
  live(farm, seconds(30));
  tell("a", PoolState::broken, 0, "init ended with 1");
  EXPECT_THAT(refusal(last, Errc::permission_denied), HasSubstr("init ended with 1"));
  tell("a", PoolState::warming);
  farm.send(want(2, 1'000));
  EXPECT_EQ(first<LeasesRefused>(live(farm, seconds(30))), nullptr);
  const auto out = farm.send(WorkerGone{"a", 1, "closed"});
  EXPECT_THAT(refusal(out, Errc::unavailable), HasSubstr("1 lost"));
}

TEST_F(PoolScheduling, a_pool_broken_everywhere_is_refused_with_the_reason) {
  farm.join("a", 2);
  farm.join("b", 2);
  select("cc", {"a", "b"});
  tell("a", PoolState::broken, 0, "init ended with 1");
  tell("b", PoolState::cold);
  farm.send(want(1, 2));
  EXPECT_EQ(granted(), (std::map<std::string, int>{{"b", 2}}));
  farm.send(want(2, 9));
  tell("b", PoolState::broken, 0, "init ended with 1");
  const auto message = refusal(last, Errc::permission_denied);
  EXPECT_THAT(message, HasSubstr("2 broken, a: init ended with 1; kiln pool warm cc tries again"));
  EXPECT_THAT(refusal(farm.send(want(3, 1)), Errc::permission_denied), HasSubstr("\"cc\""));
  tell("a", PoolState::ready, 2);
  EXPECT_EQ(first<LeasesRefused>(farm.send(want(4, 1))), nullptr) << "mended";
}

TEST_F(PoolScheduling, a_pool_without_nodes_is_refused_with_what_to_look_at) {
  auto here = Farm::node("a", 2);
  here.labels = {{"zone", "b"}, {"spot", ""}};
  farm.send(WorkerJoined{here, Farm::idle()});
  farm.send(PoolsSelected{{{"cc", true, {}, {}, "zone=a,!spot"}}});
  const auto* why = "selects no node (zone=a,!spot); nodes here: a (zone=b,spot)";
  EXPECT_THAT(refusal(farm.send(want(1, 1)), Errc::unavailable), HasSubstr(why));
  farm.pass(seconds(4));
  farm.send(ClientJoined{2});
  auto wanted = want(2, 1);
  wanted.key.client = 2;
  EXPECT_THAT(refusal(farm.send(wanted), Errc::unsupported), HasSubstr(why))
      << "for good, once a node had time to come";
}

TEST_F(PoolScheduling, nodes_that_come_to_a_pool_without_any_are_used) {
  farm.join("a", 2);
  select("cc", {});
  farm.pass(seconds(2));
  select("cc", {"a"});
  tell("a", PoolState::cold);
  farm.send(want(1, 1));
  EXPECT_EQ(granted(), (std::map<std::string, int>{{"a", 1}}));
  farm.send(PoolsSelected{{{"cc", true, {}, {"a"}}}});
  refusal(farm.send(want(2, 1)), Errc::unavailable);
}

TEST_F(PoolScheduling, lost_and_draining_nodes_of_a_pool_are_named_in_the_refusal) {
  farm.join("a", 2);
  farm.join("b", 2);
  select("cc", {"a", "b"});
  tell("a", PoolState::ready, 2);
  tell("b", PoolState::ready, 2);
  farm.send(WorkerGone{"a", 1, "closed"});
  auto draining = Farm::idle(2);
  draining.draining = true;
  farm.send(WorkerReported{"b", 1, draining});
  EXPECT_THAT(refusal(farm.send(want(1, 1)), Errc::unavailable), HasSubstr("1 draining, 1 lost"));
}

TEST_F(PoolScheduling, a_full_pool_keeps_nothing_from_others) {
  farm.join("small", 1);
  farm.join("large", 64);
  select("cc", {"small"});
  tell("small", PoolState::ready, 1);
  farm.send(want(1, 2));
  ASSERT_EQ(granted(), (std::map<std::string, int>{{"small", 2}}));
  for (std::uint64_t request = 2; request < 250; ++request) farm.send(want(request, 1));
  farm.granted.clear();
  farm.send(ClientJoined{2});
  farm.send(Farm::want(2, 1, 5));
  EXPECT_EQ(granted(), (std::map<std::string, int>{{"large", 5}}));
}

TEST_F(PoolScheduling, others_keep_nothing_from_a_pool_that_has_room) {
  farm.join("a", 1);
  farm.join("b", 2);
  select("cc", {"b"});
  tell("b", PoolState::ready, 2);
  farm.send(want(1, 40, "default", "one"));
  farm.send(want(2, 40, "cc", "two"));
  // The default pool's build had everything; each lease that it gives back goes to the other.
  ASSERT_EQ(farm.granted.size(), 6U);
  const auto slot = farm.granted[0].lease.worker == "b" ? farm.granted[0] : farm.granted[1];
  ASSERT_EQ(slot.lease.worker, "b");
  farm.granted.clear();
  farm.send(LeasesReleased{1, {slot.lease.id}});
  ASSERT_EQ(farm.granted.size(), 1U);
  EXPECT_EQ(farm.granted[0].lease.pool, "cc");
}

TEST_F(PoolScheduling, of_one_build_in_two_pools_the_older_request_goes_first) {
  farm.join("a", 1);
  select("cc", {"a"});
  tell("a", PoolState::ready, 1);
  farm.send(want(1, 2, "default", "b"));
  const auto leases = farm.granted;
  farm.granted.clear();
  farm.send(want(2, 1, "default", "b"));
  farm.send(want(3, 1, "cc", "b"));
  farm.send(LeasesReleased{1, {leases[0].lease.id}});
  farm.send(LeasesReleased{1, {leases[1].lease.id}});
  ASSERT_EQ(farm.granted.size(), 2U);
  EXPECT_EQ(farm.granted[0].lease.pool, "default");
  EXPECT_EQ(farm.granted[1].lease.pool, "cc");
}

TEST_F(PoolScheduling, a_node_gets_no_more_tasks_of_a_pool_than_its_executors_can_take) {
  farm.join("a", 8);
  select("cc", {"a"});
  tell("a", PoolState::ready, 1, "", "cc", 1);
  for (std::uint64_t request = 1; request <= 8; ++request) farm.send(want(request, 1));
  ASSERT_EQ(farm.granted.size(), 2U) << "one to run, one whose inputs travel meanwhile";
  EXPECT_FALSE(farm.granted[0].lease.staging);
  EXPECT_TRUE(farm.granted[1].lease.staging);
  // Steadily: each lease that ends lets one of those go on that wait.
  for (std::size_t i = 0; i < 6; ++i) {
    farm.send(LeasesReleased{1, {farm.granted[i].lease.id}});
    ASSERT_EQ(farm.granted.size(), i + 3);
    EXPECT_EQ(farm.scheduler.leases(), 2U);
  }
  EXPECT_EQ(farm.scheduler.waiting_requests(), 0U);
}

TEST_F(PoolScheduling, a_pool_with_few_executors_leaves_the_other_slots_to_others) {
  farm.join("a", 4);
  select("cc", {"a"});
  tell("a", PoolState::cold, 0, "", "cc", 1);
  farm.send(want(1, 20));
  EXPECT_EQ(farm.granted.size(), 2U);
  farm.granted.clear();
  farm.send(want(2, 20, "default"));
  EXPECT_EQ(farm.granted.size(), 6U);
  EXPECT_EQ(farm.scheduler.free_slots(), 0U);
}

TEST_F(PoolScheduling, more_executors_of_a_pool_let_those_go_on_that_wait) {
  farm.join("a", 8);
  farm.join("b", 8);
  select("cc", {"a", "b"});
  tell("a", PoolState::ready, 2, "", "cc", 2);
  tell("b", PoolState::ready, 1, "", "cc", 1);
  farm.send(want(1, 30));
  EXPECT_EQ(granted(), (std::map<std::string, int>{{"a", 4}, {"b", 2}}));
  tell("b", PoolState::ready, 1, "", "cc", 3);
  EXPECT_EQ(granted(), (std::map<std::string, int>{{"a", 4}, {"b", 6}}));
}

TEST_F(PoolScheduling, a_deselected_node_gets_no_more_tasks_of_the_pool) {
  farm.join("a", 4);
  farm.join("b", 4);
  select("cc", {"a", "b"});
  tell("a", PoolState::ready, 4);
  tell("b", PoolState::ready, 4);
  farm.send(PoolsSelected{{{"cc", true, {}, {"a"}}}});
  farm.send(want(1, 4));
  EXPECT_EQ(granted(), (std::map<std::string, int>{{"b", 4}}));
  farm.granted.clear();
  farm.send(want(2, 4, "default"));
  EXPECT_EQ(granted(), (std::map<std::string, int>{{"a", 4}})) << "but others";
}

TEST_F(PoolConformance, row_28_requests_of_a_deleted_pool_end_with_a_reason) {
  farm.join("a", 1);
  farm.send(PoolsSelected{{{"cc", true, {"a"}, {}}}});
  auto wanted = Farm::want(1, 1, 1);
  wanted.pool = "cc";
  farm.send(wanted);
  const auto out = farm.send(PoolsSelected{{{"cc", false, {}, {"a"}}}});
  const auto* refused = first<LeasesRefused>(out);
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->error.code, Errc::invalid_argument);
  EXPECT_THAT(refused->error.message, HasSubstr("\"cc\" (any more)"));
  EXPECT_EQ(farm.scheduler.waiting_requests(), 0U);
}

TEST_F(PoolConformance, row_29_requests_of_a_pool_whose_last_node_dies_end_at_once) {
  farm.join("a", 1);
  farm.join("other", 1);
  farm.send(PoolsSelected{{{"cc", true, {"a"}, {}}}});
  auto wanted = Farm::want(1, 1, 1);
  wanted.pool = "cc";
  farm.send(wanted);
  const auto out = farm.send(WorkerGone{"a", 1, "closed"});
  const auto* refused = first<LeasesRefused>(out);
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->error.code, Errc::unavailable);
}

TEST_F(PoolScheduling, a_new_process_of_a_worker_must_tell_how_its_pools_stand) {
  farm.join("a", 4);
  select("cc", {"a"});
  tell("a", PoolState::broken);
  farm.send(WorkerGone{"a", 1, "closed"});
  farm.send(WorkerJoined{Farm::node("a", 4, 2), Farm::idle()});
  const auto early = farm.send(want(1, 1));
  EXPECT_EQ(first<LeasesRefused>(early), nullptr) << "it may be well again";
  EXPECT_TRUE(farm.granted.empty());
  tell("a", PoolState::ready, 1);
  EXPECT_TRUE(farm.granted.empty()) << "that was the process before";
  PoolOnNode ready;
  ready.name = "cc";
  ready.version = 1;
  farm.send(WorkerPools{"a", 2, true, {ready}});
  EXPECT_EQ(farm.granted.size(), 1U);
}

TEST_F(PoolScheduling, waiting_requests_are_counted_by_pool) {
  farm.join("a", 1);
  select("cc", {"a"});
  farm.at(seconds(1), want(1, 3));
  farm.at(seconds(2), want(2, 4));
  const auto waiting = farm.scheduler.waiting_by_pool();
  ASSERT_EQ(waiting.size(), 1U);
  EXPECT_EQ(waiting.at("cc").requests, 2U);
  EXPECT_EQ(waiting.at("cc").leases, 7U);
  EXPECT_EQ(waiting.at("cc").since, TimePoint(seconds(1)));
}

TEST_F(PoolScheduling, waiting_requests_are_counted_by_build) {
  farm.join("a", 1);
  select("cc", {"a"});
  farm.at(seconds(1), want(1, 2, "cc", "nightly"));
  farm.at(seconds(2), want(2, 3, "cc", "nightly"));
  farm.at(seconds(2), want(3, 1));
  const auto waiting = farm.scheduler.waiting_by_build();
  ASSERT_EQ(waiting.size(), 1U) << "the last one is of no build that has a name";
  EXPECT_EQ(waiting.at("nightly").requests, 2U);
  EXPECT_EQ(waiting.at("nightly").leases, 5U);
  EXPECT_EQ(waiting.at("nightly").since, TimePoint(seconds(1)));
}

TEST_F(PoolScheduling, excluding_every_node_of_a_pool_is_refused) {
  farm.join("a", 1);
  farm.join("b", 1);
  select("cc", {"a"});
  tell("a", PoolState::ready, 1);
  auto wanted = want(1, 1);
  wanted.excluded = {"a"};
  EXPECT_THAT(refusal(farm.send(wanted), Errc::unavailable), HasSubstr("excluded"));
}

}  // namespace
}  // namespace kiln::coordinator
