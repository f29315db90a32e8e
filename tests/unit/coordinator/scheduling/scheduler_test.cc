#include "coordinator/scheduling/scheduler.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/coordinator/scheduling/farm.h"

namespace kiln::coordinator {
namespace {

using testing::HasSubstr;

TEST(Scheduler, grants_a_lease_with_everything_an_agent_needs) {
  Farm farm({.epoch = 42});
  farm.join("a", 4);
  farm.send(ClientJoined{7});
  const auto out = farm.send(Farm::want(7, 1, 1));
  const auto* grant = first<LeasesGranted>(out);
  ASSERT_NE(grant, nullptr);
  ASSERT_EQ(grant->slots.size(), 1U);
  const auto& slot = grant->slots[0];
  EXPECT_EQ(slot.lease.id, (LeaseId{42, 1}));
  EXPECT_EQ(slot.lease.worker, "a");
  EXPECT_EQ(slot.lease.worker_epoch, 1U);
  EXPECT_EQ(slot.lease.tasks, 32U);
  EXPECT_EQ(slot.lease.lifetime_ms, 60'000U);
  EXPECT_FALSE(slot.lease.staging);
  EXPECT_EQ(slot.task_address, "tcp://a:1");
}

TEST(Scheduler, lends_one_staging_lease_a_slot_and_no_more) {
  Farm farm;
  farm.join("a", 2);
  farm.send(ClientJoined{7});
  farm.send(Farm::want(7, 1, 9));
  ASSERT_EQ(farm.granted.size(), 4U);
  EXPECT_FALSE(farm.granted[1].lease.staging);
  EXPECT_TRUE(farm.granted[2].lease.staging);
  EXPECT_EQ(farm.granted[3].lease.tasks, 8U) << "staging leases are short";
  EXPECT_EQ(farm.scheduler.waiting_requests(), 1U);
}

TEST(Scheduler, a_released_lease_goes_to_who_waits) {
  Farm farm;
  farm.join("a", 1);
  farm.send(ClientJoined{7});
  farm.send(Farm::want(7, 1, 2));
  farm.send(ClientJoined{8});
  farm.send(Farm::want(8, 1, 1));
  ASSERT_EQ(farm.granted.size(), 2U);
  farm.send(LeasesReleased{8, {farm.granted[0].lease.id}});
  EXPECT_EQ(farm.granted.size(), 2U) << "only the holder can give it back";
  const auto out = farm.send(LeasesReleased{7, {farm.granted[0].lease.id}});
  ASSERT_NE(first<LeasesGranted>(out), nullptr);
  EXPECT_EQ(first<LeasesGranted>(out)->key.client, 8U);
}

TEST(Scheduler, ends_of_leases_are_counted_by_their_reason) {
  Farm farm({.staging_per_slot = 0});
  farm.join("a", 4);
  farm.send(ClientJoined{7});
  farm.send(ClientJoined{8});
  farm.send(Farm::want(7, 1, 3));
  farm.send(Farm::want(8, 1, 1));
  ASSERT_EQ(farm.granted.size(), 4U);
  farm.send(LeasesReleased{7, {farm.granted[0].lease.id}});
  farm.send(LeasesReleased{7, {farm.granted[0].lease.id}});
  EXPECT_EQ(farm.scheduler.lease_ends(), (LeaseEnds{1, 0, 0, 0})) << "once";
  farm.send(ClientGone{8});
  EXPECT_EQ(farm.scheduler.lease_ends(), (LeaseEnds{1, 0, 0, 1}));
  farm.send(WorkerGone{"a", 1, "connection closed"});
  EXPECT_EQ(farm.scheduler.lease_ends(), (LeaseEnds{1, 0, 2, 1}));
}

TEST(Scheduler, occupancy_of_others_takes_room) {
  Farm farm({.staging_per_slot = 0});
  farm.join("a", 2);
  farm.send(ClientJoined{7});
  auto busy = Farm::idle(2);
  busy.running = 2;
  farm.send(WorkerReported{"a", 1, busy});
  farm.send(Farm::want(7, 1, 1));
  EXPECT_TRUE(farm.granted.empty());
  farm.send(WorkerReported{"a", 1, Farm::idle(1)});
  EXPECT_TRUE(farm.granted.empty()) << "an older report changes nothing";
  farm.send(WorkerReported{"a", 1, Farm::idle(3)});
  EXPECT_TRUE(farm.granted.empty()) << "another coordinator may be about to use the slots again";
  farm.pass(milliseconds(400));
  farm.pass(milliseconds(400));
  EXPECT_EQ(farm.granted.size(), 1U);
}

TEST(Scheduler, a_lease_nobody_gives_back_expires) {
  Farm farm({.staging_per_slot = 0, .request_patience = std::chrono::hours(1)});
  farm.join("a", 1);
  farm.send(ClientJoined{7});
  farm.send(Farm::want(7, 1, 2));
  ASSERT_EQ(farm.granted.size(), 1U);
  EXPECT_EQ(farm.granted[0].lease.lifetime_ms, 60'000U);
  for (int second = 1; second <= 63; ++second) {
    farm.now = TimePoint(seconds(second));
    farm.send(ClientHeard{7});
    farm.send(WorkerReported{"a", 1, Farm::idle(2)});
    EXPECT_EQ(farm.granted.size(), second < 62 ? 1U : 2U) << "at second " << second;
  }
  EXPECT_EQ(farm.scheduler.lease_ends(), (LeaseEnds{0, 1, 0, 0}));
}

TEST(Scheduler, without_any_node_a_request_is_refused_at_once) {
  Farm farm;
  farm.send(ClientJoined{7});
  const auto out = farm.send(Farm::want(7, 1, 1));
  const auto* refused = first<LeasesRefused>(out);
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->error.code, Errc::unavailable);
  EXPECT_THAT(refused->error.message, HasSubstr("none is connected"));
}

TEST(Scheduler, the_reason_tells_other_architectures_and_lost_nodes) {
  Farm farm;
  auto arm = Farm::node("arm", 4);
  arm.architecture = "aarch64";
  farm.send(WorkerJoined{arm, Farm::idle()});
  farm.join("gone", 4);
  farm.send(WorkerGone{"gone", 1, "connection closed"});
  farm.send(ClientJoined{7});
  const auto out = farm.send(Farm::want(7, 1, 1));
  ASSERT_NE(first<LeasesRefused>(out), nullptr);
  EXPECT_THAT(first<LeasesRefused>(out)->error.message,
              HasSubstr("x86_64 none is ready (1 of another, 0 draining, 1 lost)"));
}

TEST(Scheduler, a_pool_that_there_is_not_is_refused_as_a_wrong_request) {
  Farm farm;
  farm.join("a", 1);
  farm.send(ClientJoined{7});
  auto wanted = Farm::want(7, 1, 1);
  wanted.pool = "none";
  const auto out = farm.send(wanted);
  const auto* refused = first<LeasesRefused>(out);
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->error.code, Errc::invalid_argument);
  EXPECT_THAT(refused->error.message, HasSubstr("none"));
}

TEST(Scheduler, who_waits_too_long_is_refused) {
  Farm farm({.staging_per_slot = 0, .missed_heartbeats = 100});
  farm.join("a", 1);
  farm.send(ClientJoined{7});
  farm.send(Farm::want(7, 1, 2));
  EXPECT_EQ(farm.pass(milliseconds(9'999)).size(), 0U);
  const auto out = farm.pass(milliseconds(1));
  ASSERT_NE(first<LeasesRefused>(out), nullptr);
  EXPECT_EQ(first<LeasesRefused>(out)->error.code, Errc::timed_out);
  EXPECT_EQ(farm.scheduler.leases(), 1U) << "what was granted stays granted";
}

TEST(Scheduler, a_full_queue_refuses_early) {
  Farm farm({.staging_per_slot = 0, .max_waiting = 2});
  farm.join("a", 1);
  farm.send(ClientJoined{7});
  farm.send(Farm::want(7, 1, 2));
  farm.send(Farm::want(7, 2, 1));
  const auto out = farm.send(Farm::want(7, 3, 1));
  ASSERT_NE(first<LeasesRefused>(out), nullptr);
  EXPECT_EQ(first<LeasesRefused>(out)->error.code, Errc::resource_exhausted);
}

TEST(Scheduler, a_repeated_request_is_served_once) {
  Farm farm;
  farm.join("a", 4);
  farm.send(ClientJoined{7});
  farm.send(Farm::want(7, 1, 1));
  EXPECT_TRUE(farm.send(Farm::want(7, 1, 1)).empty());
  EXPECT_EQ(farm.granted.size(), 1U);
}

TEST(Scheduler, a_repeated_request_is_known_while_it_waits_however_many_came_after_it) {
  Farm farm({.staging_per_slot = 0});
  farm.join("a", 1);
  farm.send(ClientJoined{7});
  farm.send(Farm::want(7, 0, 1));
  for (std::uint64_t request = 1; request <= 250; ++request) {
    farm.send(Farm::want(7, request, 1));
  }
  EXPECT_EQ(farm.scheduler.waiting_requests(), 250U);
  EXPECT_TRUE(farm.send(Farm::want(7, 1, 1)).empty());
  EXPECT_EQ(farm.scheduler.waiting_requests(), 250U);
}

TEST(Scheduler, a_withdrawn_request_gets_nothing_more) {
  Farm farm({.staging_per_slot = 0});
  farm.join("a", 1);
  farm.send(ClientJoined{7});
  farm.send(Farm::want(7, 1, 2));
  farm.send(LeasesUnwanted{{7, 1}});
  farm.send(LeasesReleased{7, {farm.granted[0].lease.id}});
  EXPECT_EQ(farm.granted.size(), 1U);
  EXPECT_EQ(farm.scheduler.waiting_requests(), 0U);
}

TEST(Scheduler, a_client_that_vanishes_gives_everything_back) {
  Farm farm({.staging_per_slot = 0});
  farm.join("a", 1);
  farm.send(ClientJoined{7});
  farm.send(Farm::want(7, 1, 2));
  farm.send(ClientJoined{8});
  farm.send(Farm::want(8, 1, 1));
  farm.send(ClientGone{7});
  ASSERT_EQ(farm.granted.size(), 2U);
  EXPECT_EQ(farm.scheduler.waiting_requests(), 0U);
  EXPECT_EQ(farm.scheduler.clients(), 1U);
}

TEST(Scheduler, a_silent_client_loses_its_leases_until_it_speaks_again) {
  Farm farm;
  farm.join("a", 1);
  farm.send(ClientJoined{7});
  farm.send(Farm::want(7, 1, 1));
  farm.send(WorkerReported{"a", 1, Farm::idle(2)});
  const auto out = farm.pass(seconds(3));
  ASSERT_NE(first<ClientLost>(out), nullptr);
  EXPECT_EQ(farm.scheduler.leases(), 0U);
  farm.send(WorkerReported{"a", 1, Farm::idle(3)});
  farm.send(Farm::want(7, 2, 1));
  EXPECT_EQ(farm.scheduler.leases(), 1U);
}

TEST(Scheduler, a_client_that_paused_is_told_that_its_requests_are_over) {
  Farm farm({.staging_per_slot = 0});
  farm.join("a", 1);
  farm.send(ClientJoined{7});
  farm.send(Farm::want(7, 1, 1));
  farm.send(Farm::want(7, 2, 1));
  farm.send(Farm::want(7, 3, 1));
  farm.at(seconds(2), WorkerReported{"a", 1, Farm::idle(2)});
  const auto out = farm.at(seconds(3), Tick{});
  std::vector<std::uint64_t> refused;
  for (const auto& output : out) {
    const auto* refusal = std::get_if<LeasesRefused>(&output);
    if (refusal == nullptr) continue;
    EXPECT_EQ(refusal->error.code, Errc::timed_out);
    refused.push_back(refusal->key.request);
  }
  EXPECT_THAT(refused, testing::ElementsAre(2, 3));
  EXPECT_NE(first<ClientLost>(out), nullptr);
  EXPECT_EQ(farm.scheduler.waiting_requests(), 0U);
}

TEST(Scheduler, three_missed_heartbeats_lose_a_node) {
  Farm farm;
  farm.join("a", 1);
  farm.at(seconds(2), WorkerReported{"a", 1, Farm::idle(1)});
  EXPECT_EQ(farm.scheduler.next_deadline(), TimePoint(seconds(3)));
  EXPECT_TRUE(farm.at(milliseconds(4'999), Tick{}).empty());
  EXPECT_EQ(farm.scheduler.next_deadline(), TimePoint(seconds(5)));
  const auto out = farm.at(seconds(5), Tick{});
  ASSERT_NE(first<WorkerLost>(out), nullptr);
  EXPECT_EQ(first<WorkerLost>(out)->reason, "silent");
  EXPECT_EQ(farm.scheduler.nodes()[0].state, NodeState::lost);
}

TEST(Scheduler, a_lost_node_comes_back_with_its_next_report_or_is_forgotten) {
  Farm farm;
  farm.join("a", 1);
  farm.pass(seconds(3));
  farm.send(WorkerReported{"a", 1, Farm::idle(2)});
  EXPECT_EQ(farm.scheduler.nodes()[0].state, NodeState::ready);
  farm.pass(seconds(3));
  farm.pass(std::chrono::minutes(10));
  EXPECT_TRUE(farm.scheduler.nodes().empty());
}

TEST(Scheduler, a_restarted_worker_voids_the_leases_of_its_old_epoch) {
  Farm farm({.staging_per_slot = 0});
  farm.join("a", 1);
  farm.join("b", 1);
  farm.send(ClientJoined{7});
  farm.send(Farm::want(7, 1, 3));
  ASSERT_EQ(farm.granted.size(), 2U);
  const auto out = farm.send(WorkerGone{"a", 1, "closed"});
  ASSERT_NE(first<WorkerLost>(out), nullptr);
  EXPECT_EQ(first<WorkerLost>(out)->leases, 1U);
  farm.send(WorkerJoined{Farm::node("a", 1, 2), Farm::idle()});
  ASSERT_EQ(farm.granted.size(), 3U);
  EXPECT_EQ(farm.granted[2].lease.worker_epoch, 2U);
  const auto late = farm.send(WorkerJoined{Farm::node("a", 1, 1), Farm::idle()});
  EXPECT_NE(first<WorkerRejected>(late), nullptr) << "the old process cannot come back";
  EXPECT_NE(first<WorkerUnknown>(farm.send(WorkerReported{"a", 1, Farm::idle(9)})), nullptr);
}

TEST(Scheduler, two_living_workers_of_one_name_do_not_push_each_other_out) {
  Farm farm;
  farm.join("a", 1);
  farm.at(seconds(1), WorkerReported{"a", 1, Farm::idle(2)});
  const auto clone = farm.send(WorkerJoined{Farm::node("a", 1, 2), Farm::idle()});
  ASSERT_NE(first<WorkerRejected>(clone), nullptr);
  EXPECT_EQ(first<WorkerRejected>(clone)->error.code, Errc::already_exists);
  EXPECT_THAT(first<WorkerRejected>(clone)->error.message, HasSubstr("--name"));
  EXPECT_EQ(first<WorkerUnknown>(farm.send(WorkerReported{"a", 1, Farm::idle(3)})), nullptr);
  farm.at(seconds(4), Tick{});
  const auto heir = farm.send(WorkerJoined{Farm::node("a", 1, 2), Farm::idle()});
  EXPECT_EQ(first<WorkerRejected>(heir), nullptr) << "the other one is silent";
  EXPECT_EQ(farm.scheduler.nodes()[0].info->epoch, 2U);
}

TEST(Scheduler, when_the_last_node_goes_who_waits_is_told) {
  Farm farm({.staging_per_slot = 0});
  farm.join("a", 1);
  farm.send(ClientJoined{7});
  farm.send(Farm::want(7, 1, 2));
  const auto out = farm.send(WorkerGone{"a", 1, "connection closed"});
  ASSERT_NE(first<LeasesRefused>(out), nullptr);
  EXPECT_EQ(first<LeasesRefused>(out)->error.code, Errc::unavailable);
}

TEST(Scheduler, a_draining_node_gets_nothing) {
  Farm farm;
  auto draining = Farm::idle(1);
  draining.draining = true;
  farm.send(WorkerJoined{Farm::node("a", 4), draining});
  farm.join("b", 1);
  farm.send(ClientJoined{7});
  farm.send(Farm::want(7, 1, 4));
  ASSERT_EQ(farm.granted.size(), 2U);
  EXPECT_EQ(farm.granted[0].lease.worker, "b");
  EXPECT_EQ(farm.granted[1].lease.worker, "b");
}

TEST(Scheduler, excluded_nodes_are_avoided_and_all_excluded_is_refused) {
  Farm farm;
  farm.join("a", 4);
  farm.join("b", 4);
  farm.send(ClientJoined{7});
  auto wanted = Farm::want(7, 1, 3);
  wanted.excluded = {"a"};
  farm.send(wanted);
  for (const auto& slot : farm.granted) EXPECT_EQ(slot.lease.worker, "b");
  wanted = Farm::want(7, 2, 1);
  wanted.excluded = {"a", "b"};
  const auto out = farm.send(wanted);
  ASSERT_NE(first<LeasesRefused>(out), nullptr);
  EXPECT_THAT(first<LeasesRefused>(out)->error.message, HasSubstr("all 2 are excluded"));
}

TEST(Scheduler, requests_that_exclude_the_only_free_node_do_not_keep_it_from_the_others) {
  Farm farm({.staging_per_slot = 0});
  farm.join("full", 1);
  farm.send(ClientJoined{7});
  farm.send(Farm::want(7, 1, 1));
  ASSERT_EQ(farm.granted.size(), 1U);
  farm.join("restarted", 4);
  for (std::uint64_t request = 2; request <= 100; ++request) {
    auto wanted = Farm::want(7, request, 1);
    wanted.excluded = {"restarted"};
    farm.send(wanted);
  }
  ASSERT_EQ(farm.granted.size(), 1U);
  farm.send(Farm::want(7, 200, 1));
  ASSERT_EQ(farm.granted.size(), 2U);
  EXPECT_EQ(farm.granted[1].lease.worker, "restarted");
}

TEST(Scheduler, listings_share_what_the_nodes_said) {
  Farm farm;
  farm.join("a", 1);
  const auto before = farm.scheduler.nodes();
  EXPECT_EQ(before[0].occupancy, farm.scheduler.nodes()[0].occupancy);
  auto busy = Farm::idle(2);
  busy.running = 1;
  farm.send(WorkerReported{"a", 1, busy});
  EXPECT_EQ(before[0].occupancy->running, 0U) << "a listing stays as it was taken";
  EXPECT_EQ(farm.scheduler.nodes()[0].occupancy->running, 1U);
  EXPECT_EQ(farm.scheduler.nodes_in(NodeState::ready), 1U);
  farm.send(WorkerGone{"a", 1, "closed"});
  EXPECT_EQ(farm.scheduler.nodes_in(NodeState::ready), 0U);
  EXPECT_EQ(farm.scheduler.nodes_in(NodeState::lost), 1U);
}

TEST(Scheduler, builds_share_evenly_and_priority_doubles_a_share) {
  Farm farm({.staging_per_slot = 0});
  farm.join("blocked", 1);
  farm.send(ClientJoined{1});
  farm.send(Farm::want(1, 1, 1, "other"));
  auto many = Farm::want(1, 2, 100, "many");
  auto urgent = Farm::want(1, 3, 100, "urgent");
  urgent.priority = 1;
  farm.send(many);
  farm.send(urgent);
  farm.granted.clear();
  std::map<RequestKey, std::size_t> shares;
  const auto out = farm.send(WorkerJoined{Farm::node("big", 30), Farm::idle()});
  for (const auto& output : out) {
    const auto& grant = std::get<LeasesGranted>(output);
    shares[grant.key] = grant.slots.size();
  }
  EXPECT_EQ(shares[(RequestKey{1, 2})], 10U);
  EXPECT_EQ(shares[(RequestKey{1, 3})], 20U);
  EXPECT_EQ(farm.granted[0].lease.tasks, 8U) << "contended leases are short";
}

TEST(Scheduler, of_one_build_priority_then_age) {
  Farm farm({.staging_per_slot = 0});
  farm.join("a", 1);
  farm.send(ClientJoined{1});
  farm.send(Farm::want(1, 1, 1, "b"));
  farm.send(Farm::want(1, 2, 1, "b"));
  farm.send(Farm::want(1, 3, 1, "b"));
  auto urgent = Farm::want(1, 4, 1, "b");
  urgent.priority = 3;
  farm.send(urgent);
  std::vector<std::uint64_t> order;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto out = farm.send(LeasesReleased{1, {farm.granted[i].lease.id}});
    order.push_back(first<LeasesGranted>(out)->key.request);
  }
  EXPECT_THAT(order, testing::ElementsAre(4, 2, 3));
}

TEST(Scheduler, hostile_inputs_are_refused) {
  Farm farm({.max_nodes = 1, .max_clients = 1});
  EXPECT_NE(first<WorkerRejected>(farm.send(WorkerJoined{Farm::node("", 1), {}})), nullptr);
  EXPECT_NE(first<WorkerRejected>(farm.send(WorkerJoined{Farm::node("x", 0), {}})), nullptr);
  farm.join("a", 4'000'000'000);
  EXPECT_EQ(farm.scheduler.total_slots(), 4'096U);
  EXPECT_NE(first<WorkerRejected>(farm.send(WorkerJoined{Farm::node("b", 1), {}})), nullptr);
  EXPECT_NE(first<LeasesRefused>(farm.send(Farm::want(1, 1, 1))), nullptr) << "no hello";
  farm.send(ClientJoined{1});
  EXPECT_NE(first<ClientRejected>(farm.send(ClientJoined{2})), nullptr);
  EXPECT_NE(first<LeasesRefused>(farm.send(Farm::want(1, 1, 0))), nullptr);
  auto pool = Farm::want(1, 2, 1);
  pool.pool = "other";
  EXPECT_NE(first<LeasesRefused>(farm.send(pool)), nullptr);
  auto full = Farm::idle(2);
  full.running = full.queued = 0xffffffff;
  farm.send(WorkerReported{"a", 1, full});
  EXPECT_EQ(farm.scheduler.free_slots(), 0U);
  farm.send(LeasesReleased{1, {{1, 99}, {77, 1}}});
}

}  // namespace
}  // namespace kiln::coordinator
