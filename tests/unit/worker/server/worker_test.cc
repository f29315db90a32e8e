// What a worker answers to whatever an agent does: real processes, real tasks.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common/transfer/inline_blob.h"
#include "tests/unit/worker/server/farm.h"
#include "tests/unit/worker/server/processes.h"

namespace kiln::worker {
namespace {

class WorkerTest : public testing::Test {
 protected:
  std::uint32_t running(const std::string& name = "w") {
    return farm_.worker(name).occupancy.running;
  }
  bool runs(std::uint32_t tasks, const std::string& name = "w") {
    return farm_.until([&] { return running(name) == tasks; });
  }
  TestFarm farm_;
};

// Ends the `sleep` among the processes, for the shell above it to go on; whether there was one.
bool end_sleep(const std::set<pid_t>& processes) {
  return std::any_of(processes.begin(), processes.end(), [](pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
    std::string command;
    return std::getline(file, command) && command == "sleep" && ::kill(pid, SIGKILL) == 0;
  });
}

TEST_F(WorkerTest, runs_what_came_with_run_and_sends_its_output) {
  farm_.start("w");
  TestAgent agent(farm_, "w");
  agent.inputs.add_file("/build/in", "content of the input");
  agent.run_inline("cat in > out; echo done; exit 3");
  EXPECT_EQ(agent.expect<wire::Accepted>().attempt, agent.last_attempt);
  const auto result = agent.finish();
  EXPECT_TRUE(agent.needed.empty()) << "one exchange for a task that brings everything";
  EXPECT_EQ(result.result.outcome, Outcome::exited) << result.result.message;
  EXPECT_EQ(result.result.exit_code, 3);
  EXPECT_EQ(agent.standard_output(result), "done\n");
  ASSERT_EQ(result.result.outputs.size(), 1U);
  EXPECT_EQ(result.result.outputs[0].path, "/build/out");
  EXPECT_EQ(result.result.outputs[0].digest, digest_of("content of the input"));
  ASSERT_EQ(result.blobs.size(), 1U) << "a small output comes along";
  EXPECT_EQ(agent.raw.at(2), "content of the input");
}

TEST_F(WorkerTest, takes_all_the_descriptors_it_may_and_leaves_tasks_their_limit) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit low{600, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &low);
  const auto pid = farm_.start("w").pid;
  ::setrlimit(RLIMIT_NOFILE, &before);
  rlimit its{};
  ASSERT_EQ(::prlimit(pid, RLIMIT_NOFILE, nullptr, &its), 0);
  EXPECT_EQ(its.rlim_cur, before.rlim_max);
  TestAgent agent(farm_, "w");
  agent.run_inline("ulimit -Sn");
  EXPECT_EQ(agent.standard_output(agent.finish()), "600\n");
}

TEST_F(WorkerTest, asks_for_what_it_lacks_once) {
  farm_.start("w");
  TestAgent agent(farm_, "w");
  agent.inputs.add_file("/build/in", "x");
  agent.send(agent.make_run("cat in"));
  EXPECT_EQ(agent.standard_output(agent.finish()), "x");
  EXPECT_FALSE(agent.needed.empty());
  agent.needed.clear();
  agent.send(agent.make_run("cat in in"));
  EXPECT_EQ(agent.standard_output(agent.finish()), "xx");
  EXPECT_TRUE(agent.needed.empty()) << "all of it is there already";
}

TEST_F(WorkerTest, blobs_may_come_on_the_bulk_socket) {
  farm_.start("w");
  TestAgent agent(farm_, "w");
  agent.answer = TestAgent::Answer::bulk;
  agent.inputs.add_file("/build/in", std::string(3'000'000, 'x'));
  agent.send(agent.make_run("cat in in > out"));
  const auto result = agent.expect<wire::RunResult>();
  ASSERT_EQ(result.result.outputs.size(), 1U) << result.result.message;
  EXPECT_TRUE(result.blobs.empty()) << "a large output is fetched";
  EXPECT_EQ(agent.fetch(result.result.outputs[0].digest), std::string(6'000'000, 'x'));
}

TEST_F(WorkerTest, toolchains_come_from_other_workers) {
  farm_.start("first");
  TestAgent giver(farm_, "first");
  giver.send(giver.make_run("exit 0"));
  giver.finish();

  farm_.start("second");
  TestAgent agent(farm_, "second");
  auto run = agent.make_run("echo here");
  run.toolchain_sources = {farm_.worker("first").node.bulk_address};
  agent.send(run);
  EXPECT_EQ(agent.standard_output(agent.finish()), "here\n");
  const std::set<Digest> asked(agent.needed.begin(), agent.needed.end());
  EXPECT_FALSE(asked.contains(run.task.toolchain));
  EXPECT_LE(asked.size(), 2U) << "the agent is asked for listings of its inputs only";
}

TEST_F(WorkerTest, a_source_that_is_gone_is_replaced_by_the_agent) {
  farm_.start("w");
  TestAgent agent(farm_, "w");
  auto run = agent.make_run("echo here");
  run.toolchain_sources = {"tcp://127.0.0.1:1"};
  agent.send(run);
  EXPECT_EQ(agent.standard_output(agent.finish()), "here\n");
}

TEST_F(WorkerTest, an_attempt_runs_once_however_often_it_is_sent) {
  farm_.start("w");
  TestAgent agent(farm_, "w");
  auto run = agent.make_run("echo once");
  agent.send_with_blobs(run);
  agent.send(run);
  const auto first = agent.expect<wire::RunResult>();
  agent.send(run);
  const auto again = agent.expect<wire::RunResult>();
  EXPECT_EQ(first, again) << "the stored result";
  agent.send(wire::Reclaim{run.attempt});
  EXPECT_EQ(agent.expect<wire::RunResult>(), first);
  agent.send(wire::Ack{run.attempt});
  agent.send(run);
  EXPECT_EQ(agent.expect<wire::Busy>().reason, "cancelled") << "it is over for good";
  agent.send(wire::Reclaim{run.attempt});
  EXPECT_EQ(agent.expect<wire::Unknown>().attempt, run.attempt);
  EXPECT_EQ(farm_.worker("w").occupancy.completed, 1U);
}

TEST_F(WorkerTest, a_running_task_is_cancelled) {
  farm_.start("w");
  TestAgent agent(farm_, "w");
  agent.run_inline("sleep 1000");
  ASSERT_TRUE(runs(1));
  agent.send(wire::Cancel{agent.last_attempt});
  EXPECT_EQ(agent.finish().result.outcome, Outcome::cancelled);
  agent.run_inline("echo next");
  EXPECT_EQ(agent.standard_output(agent.finish()), "next\n") << "the slot and the lease are free";
}

TEST_F(WorkerTest, a_task_that_waits_for_inputs_is_cancelled) {
  farm_.start("w");
  TestAgent agent(farm_, "w");
  agent.answer = TestAgent::Answer::none;
  agent.send(agent.make_run("exit 0"));
  agent.expect<wire::Need>();
  agent.send(wire::Cancel{agent.last_attempt});
  EXPECT_EQ(agent.finish().result.outcome, Outcome::cancelled);
  EXPECT_TRUE(farm_.until([&] { return farm_.worker("w").occupancy.queued == 0; }));
}

TEST_F(WorkerTest, a_task_whose_agent_vanished_is_reclaimed_on_a_new_connection) {
  farm_.start("w");
  auto agent = std::make_unique<TestAgent>(farm_, "w");
  agent->run_inline("while ! cat /build/none 2>/dev/null; do sleep 0.2; break; done; echo kept");
  agent->expect<wire::Accepted>();
  const AttemptId attempt = agent->last_attempt;
  agent.reset();
  TestAgent again(farm_, "w");
  again.send(wire::Reclaim{attempt});
  const auto result = again.expect<wire::RunResult>();
  EXPECT_EQ(result.attempt, attempt);
  EXPECT_EQ(again.standard_output(result), "kept\n");
}

TEST_F(WorkerTest, what_a_vanished_agent_was_asked_for_is_asked_of_others) {
  farm_.start("w", 2);
  auto vanishing = std::make_unique<TestAgent>(farm_, "w");
  vanishing->answer = TestAgent::Answer::none;
  vanishing->send(vanishing->make_run("exit 0"));
  vanishing->expect<wire::Need>();
  TestAgent other(farm_, "w");
  other.send(other.make_run("echo served"));
  other.expect<wire::Accepted>();
  ASSERT_TRUE(farm_.until([&] { return farm_.worker("w").occupancy.queued == 2; }));
  vanishing.reset();
  EXPECT_EQ(other.standard_output(other.finish()), "served\n");
  EXPECT_FALSE(other.needed.empty());
}

TEST_F(WorkerTest, a_lost_need_is_repeated_when_the_attempt_is_reclaimed) {
  farm_.start("w");
  TestAgent agent(farm_, "w");
  agent.answer = TestAgent::Answer::none;
  agent.send(agent.make_run("echo late"));
  agent.expect<wire::Need>();
  agent.answer = TestAgent::Answer::supply;
  agent.send(wire::Reclaim{agent.last_attempt});
  EXPECT_EQ(agent.standard_output(agent.finish()), "late\n");
}

TEST_F(WorkerTest, an_input_that_the_agent_lost_ends_the_task_and_not_those_of_others) {
  farm_.start("w", 2);
  TestAgent loser(farm_, "w");
  loser.answer = TestAgent::Answer::none;
  loser.send(loser.make_run("exit 0"));
  const auto need = loser.expect<wire::Need>();
  TestAgent other(farm_, "w");
  other.send(other.make_run("echo served"));
  other.expect<wire::Accepted>();
  ASSERT_TRUE(farm_.until([&] { return farm_.worker("w").occupancy.queued == 2; }));
  loser.send(wire::Supply{loser.last_attempt, {}, need.digests});
  EXPECT_EQ(loser.finish().result.outcome, Outcome::not_started);
  EXPECT_EQ(other.standard_output(other.finish()), "served\n");
}

TEST_F(WorkerTest, blobs_that_are_not_what_they_claim_end_the_task) {
  farm_.start("w");
  TestAgent agent(farm_, "w");
  const auto run = agent.make_run("exit 0");
  for (auto& [digest, content] : agent.blobs) content += "!";
  agent.send_with_blobs(run);
  const auto result = agent.finish();
  EXPECT_EQ(result.result.outcome, Outcome::not_started);
  EXPECT_FALSE(result.result.message.empty());
}

TEST_F(WorkerTest, a_supply_that_does_not_carry_what_it_lists_ends_the_task) {
  farm_.start("w");
  TestAgent agent(farm_, "w");
  agent.answer = TestAgent::Answer::none;
  agent.send(agent.make_run("exit 0"));
  const auto need = agent.expect<wire::Need>();
  wire::Supply supply;
  supply.attempt = agent.last_attempt;
  supply.blobs.resize(1);
  supply.blobs[0].digest = need.digests.front();
  agent.send(supply);
  EXPECT_EQ(agent.finish().result.outcome, Outcome::not_started);
}

TEST_F(WorkerTest, a_lease_that_is_forged_or_of_another_worker_is_refused) {
  farm_.start("w");
  TestAgent agent(farm_, "w");
  auto run = agent.make_run("exit 0");
  run.lease.tasks = 1000;
  agent.send(run);
  EXPECT_EQ(agent.expect<wire::Busy>().reason, "bad_lease");
  EXPECT_EQ(farm_.worker("w").occupancy.completed, 0U);
}

TEST_F(WorkerTest, a_task_without_arguments_does_not_start) {
  farm_.start("w");
  TestAgent agent(farm_, "w");
  auto run = agent.make_run("exit 0");
  run.task.argv.clear();
  agent.send_with_blobs(run);
  EXPECT_EQ(agent.finish().result.outcome, Outcome::not_started);
  agent.run_inline("echo fine");
  EXPECT_EQ(agent.standard_output(agent.finish()), "fine\n") << "the executor lives on";
}

TEST_F(WorkerTest, PoolConformance_row_17_too_much_output_ends_the_task_and_not_the_connection) {
  farm_.start("w");
  TestAgent agent(farm_, "w");
  agent.run_inline("head -c 100000000 /dev/zero");
  const auto result = agent.finish();
  EXPECT_EQ(result.result.outcome, Outcome::output_limit);
  agent.run_inline("head -c 30000000 /dev/zero > out; head -c 20000000 /dev/zero");
  const auto fine = agent.finish();
  EXPECT_EQ(fine.result.outcome, Outcome::exited) << "files may be larger than streams";
  EXPECT_EQ(fine.stdout_size, 20'000'000U);
}

TEST_F(WorkerTest, another_protocol_version_is_told_so) {
  farm_.start("w");
  TestAgent agent(farm_, "w");
  auto frames = wire::encode(wire::PeerHello{});
  frames[0][0] = static_cast<char>(frames[0][0] + 1);
  frames[0][1] = static_cast<char>(frames[0][1] + 1);
  agent.send_frames(frames);
  EXPECT_EQ(agent.expect<wire::Refused>().code, "version_mismatch");
}

TEST_F(WorkerTest, what_has_no_place_is_refused_and_the_connection_lives_on) {
  farm_.start("w");
  TestAgent agent(farm_, "w");
  for (const wire::Frames& noise : {wire::Frames{"noise", "more noise"}, wire::Frames{""}}) {
    agent.send_frames(noise);
    EXPECT_FALSE(agent.expect<wire::Refused>().reason.empty());
  }
  agent.send(wire::Grant{});
  const auto refused = agent.expect<wire::Refused>();
  EXPECT_EQ(refused.code, "invalid_argument");
  EXPECT_THAT(refused.reason, testing::HasSubstr("Grant"));
  agent.send(wire::Refused{});
  agent.send(wire::Pong{});
  agent.send(wire::Ping{5});
  ASSERT_TRUE(farm_.until([&] { return !agent.received.empty(); }));
  EXPECT_TRUE(std::holds_alternative<wire::Pong>(agent.received.front().message))
      << "a refusal is never answered";
  EXPECT_EQ(agent.expect<wire::Pong>().number, 5U);
}

TEST_F(WorkerTest, sigkill_leaves_no_process) {
  farm_.start("w");
  TestAgent agent(farm_, "w");
  agent.run_inline("sleep 1000 & sleep 1000");
  std::set<pid_t> processes;  // nursery, executor, two inits, shell and both sleeps
  ASSERT_TRUE(farm_.until([&] {
    processes = descendants(farm_.worker("w").pid);
    return processes.size() == 7;
  }));
  const TimePoint killed = farm_.reactor->now();
  farm_.signal("w", SIGKILL);
  farm_.wait_for_end("w");
  EXPECT_TRUE(
      farm_.until([&] { return std::none_of(processes.begin(), processes.end(), is_alive); }));
  EXPECT_LT(farm_.reactor->now() - killed, seconds(2)) << "as docs/architecture.md promises";
}

TEST_F(WorkerTest, tells_how_fast_its_cores_are) {
  farm_.start("w", 1);
  EXPECT_TRUE(farm_.until([&] { return farm_.worker("w").occupancy.core_speed > 0; }));
}

TEST_F(WorkerTest, sigterm_lets_tasks_end_and_takes_no_more) {
  farm_.start("w", 2);
  TestAgent agent(farm_, "w");
  TestAgent late(farm_, "w");
  agent.run_inline("sleep 1000; echo ended");
  ASSERT_TRUE(runs(1));
  farm_.signal("w", SIGTERM);
  ASSERT_TRUE(farm_.until([&] { return farm_.worker("w").occupancy.draining; }));
  late.run_inline("exit 0");
  EXPECT_EQ(late.expect<wire::Busy>().reason, "draining");
  ASSERT_TRUE(farm_.until([&] { return end_sleep(descendants(farm_.worker("w").pid)); }));
  EXPECT_EQ(agent.standard_output(agent.finish()), "ended\n");
  EXPECT_EQ(farm_.wait_for_end("w"), 0);
}

TEST_F(WorkerTest, a_worker_whose_grace_is_over_ends_under_its_tasks) {
  farm_.start("w", 2, {"--grace", "100ms"});
  TestAgent agent(farm_, "w");
  agent.run_inline("sleep 1000");
  TestAgent waiting(farm_, "w");
  waiting.answer = TestAgent::Answer::none;
  waiting.inputs.add_file("/build/never", "comes");
  waiting.send(waiting.make_run("exit 0"));
  ASSERT_TRUE(runs(1));
  farm_.signal("w", SIGTERM);
  EXPECT_EQ(farm_.wait_for_end("w"), 0);
}

TEST_F(WorkerTest, row_27_a_task_that_ends_on_sigterm_is_for_another_node) {
  farm_.start("w", 1, {"--grace", "1s"});
  TestAgent agent(farm_, "w");
  agent.run_inline("trap 'exit 0' TERM; sleep 1000 & wait");
  ASSERT_TRUE(runs(1));
  farm_.signal("w", SIGTERM);
  EXPECT_EQ(agent.finish().result.outcome, Outcome::cancelled) << "its exit code is not its own";
  EXPECT_EQ(farm_.wait_for_end("w"), 0);
}

TEST_F(WorkerTest, row_27_a_task_that_ignores_sigterm_holds_nothing_past_the_grace_time) {
  farm_.start("w", 1, {"--grace", "1s"});
  TestAgent agent(farm_, "w");
  agent.run_inline("trap '' TERM; sleep 1000");
  ASSERT_TRUE(runs(1));
  std::set<pid_t> processes = descendants(farm_.worker("w").pid);
  const TimePoint asked = farm_.reactor->now();
  farm_.signal("w", SIGTERM);
  EXPECT_EQ(farm_.wait_for_end("w"), 0);
  EXPECT_TRUE(
      farm_.until([&] { return std::none_of(processes.begin(), processes.end(), is_alive); }));
  EXPECT_LT(farm_.reactor->now() - asked, seconds(3));
}

TEST_F(WorkerTest, a_restarted_worker_keeps_its_toolchains_and_refuses_old_leases) {
  farm_.start("w");
  Lease old;
  {
    TestAgent agent(farm_, "w");
    agent.send(agent.make_run("exit 0"));
    agent.finish();
    old = agent.lease;
  }
  farm_.signal("w", SIGTERM);
  ASSERT_EQ(farm_.wait_for_end("w"), 0);
  farm_.start("w");
  EXPECT_EQ(farm_.worker("w").occupancy.toolchains.size(), 1U);
  TestAgent agent(farm_, "w");
  agent.lease = old;
  agent.send(agent.make_run("exit 0"));
  EXPECT_EQ(agent.expect<wire::Busy>().reason, "bad_lease");
}

TEST_F(WorkerTest, leases_outlive_their_coordinator) {
  farm_.start("w");
  TestAgent before(farm_, "w");
  farm_.restart_coordinator();
  ASSERT_TRUE(farm_.until([&] { return !farm_.worker("w").node.name.empty(); }));
  TestAgent after(farm_, "w");
  ASSERT_NE(before.lease.id.coordinator_epoch, after.lease.id.coordinator_epoch);
  before.run_inline("echo old");
  EXPECT_EQ(before.standard_output(before.finish()), "old\n");
  after.run_inline("echo new");
  EXPECT_EQ(after.standard_output(after.finish()), "new\n");
}

TEST_F(WorkerTest, a_tree_that_can_never_fit_is_refused_before_it_travels) {
  farm_.start("w", 1, {"--store-limit", "5000000"});
  TestAgent agent(farm_, "w");
  agent.inputs.add_file("/build/in", std::string(20'000'000, 'x'));
  agent.send(agent.make_run("cat in"));
  const auto result = agent.finish();
  EXPECT_EQ(result.result.outcome, Outcome::not_started);
  EXPECT_THAT(result.result.message, testing::HasSubstr("raise its --store-limit"));
  EXPECT_THAT(agent.needed, testing::Not(testing::Contains(agent.inputs.digest_at("/build/in"))));
}

// A store that a running task's toolchain fills for the most part.
class FullStore : public WorkerTest {
 protected:
  FullStore() {
    holder_.toolchain.add_file("/filler", std::string(6'000'000, 'f'));
    holder_.run_inline("sleep 1000");
    EXPECT_TRUE(runs(1));
    agent_.inputs.add_file("/build/in", std::string(5'000'000, 'x'));
  }
  static std::vector<std::string> flags() { return {"--store-limit", "10000000"}; }

  StartedWorker& worker_ = farm_.start("w", 2, flags());
  TestAgent holder_{farm_, "w"};
  TestAgent agent_{farm_, "w"};
};

TEST_F(FullStore, ends_the_task_with_the_reason) {
  agent_.send(agent_.make_run("cat in"));
  const auto result = agent_.finish();
  EXPECT_EQ(result.result.outcome, Outcome::not_started);
  EXPECT_THAT(result.result.message, testing::HasSubstr("no room for 5000000 bytes"));
}

TEST_F(FullStore, ends_the_task_with_the_reason_when_its_inputs_take_the_bulk_socket) {
  agent_.send_without_large_blobs(agent_.make_run("cat in"));
  agent_.answer = TestAgent::Answer::bulk;
  agent_.uploads_fail = true;
  const auto result = agent_.finish();
  EXPECT_EQ(result.result.outcome, Outcome::not_started);
  EXPECT_THAT(result.result.message, testing::HasSubstr("no room for 5000000 bytes"));
}

TEST_F(FullStore, has_room_again_when_no_task_needs_the_toolchain) {
  holder_.send(wire::Cancel{holder_.last_attempt});
  holder_.finish();
  ASSERT_TRUE(runs(0));
  agent_.send(agent_.make_run("cat in"));
  EXPECT_EQ(agent_.finish().stdout_size, 5'000'000U);
}

}  // namespace
}  // namespace kiln::worker
