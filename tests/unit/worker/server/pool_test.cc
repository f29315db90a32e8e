// Pools on a worker: real processes, ordered by a coordinator that the test plays itself.
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <sys/wait.h>

#include "common/base/machine.h"
#include "tests/unit/worker/server/farm.h"
#include "tests/unit/worker/server/processes.h"

namespace kiln::worker {
namespace {

class PoolConformance : public testing::Test {
 protected:
  // A worker that has the shell's toolchain, brought by a task.
  void start(int slots = 2) {
    farm_.start("w", slots);
    TestAgent agent(farm_, "w");
    auto run = agent.make_run("exit 0");
    shell_ = {"sh", "/bin/sh", architecture(), run.task.toolchain};
    agent.send(run);
    agent.finish();
  }
  PoolOrder order(std::vector<std::vector<std::string>> init = {}) {
    PoolOrder made;
    made.definition.spec.name = "p";
    made.definition.spec.init = std::move(init);
    made.definition.spec.toolchains = {shell_};
    made.definition.version = 1;
    made.selected = true;
    return made;
  }
  void send(const PoolOrder& order, const std::string& worker = "w") {
    farm_.order(worker, {order});
  }
  void wish(PoolOrder& order, PoolWish wish, std::uint32_t warm = 0) {
    ++order.wish_number;
    order.wish = wish;
    order.warm = warm;
    send(order);
  }
  PoolOnNode& pool(const std::string& worker = "w") { return farm_.worker(worker).pools["p"]; }
  bool stands(PoolState state) {
    return farm_.until([&] { return pool().state == state; });
  }
  bool has_ready(std::uint32_t count) {
    return farm_.until([&] { return pool().ready == count; });
  }
  static std::vector<std::string> shell(const std::string& script) {
    return {"/bin/sh", "-c", script};
  }

  TestFarm farm_;
  PoolToolchain shell_;
};

TEST_F(PoolConformance, row_1_a_warm_pool_says_how_many_are_ready_and_how_long_each_step_took) {
  start();
  auto wanted = order({shell("exit 0"), shell("cat /bin/sh > /tmp/x")});
  wanted.definition.spec.probe = shell("exit 0");
  wish(wanted, PoolWish::warm, 2);
  ASSERT_TRUE(has_ready(2)) << pool().reason;
  EXPECT_EQ(pool().version, 1U);
  EXPECT_EQ(pool().staged, 1U);
  EXPECT_GT(pool().stage_us, 0U);
  EXPECT_GT(pool().start_us, 0U);
  EXPECT_GT(pool().initialise_us, 0U);
  TestAgent agent(farm_, "w");
  agent.lease = farm_.lease("w", 32, "p");
  agent.run_inline("echo here");
  EXPECT_EQ(agent.standard_output(agent.finish()), "here\n");
  EXPECT_TRUE(farm_.until([&] { return pool().tasks == 1 && pool().warm_hits == 1; }));
}

TEST_F(PoolConformance, row_3_a_cold_pool_makes_its_executor_for_the_first_task) {
  start();
  send(order({shell("exit 0")}));
  ASSERT_TRUE(farm_.until([&] { return pool().version == 1; }));
  EXPECT_EQ(pool().state, PoolState::cold);
  TestAgent agent(farm_, "w");
  agent.lease = farm_.lease("w", 32, "p");
  agent.run_inline("echo first");
  EXPECT_EQ(agent.standard_output(agent.finish()), "first\n");
  EXPECT_TRUE(farm_.until([&] { return pool().warm_misses == 1 && pool().first_us > 0; }));
}

TEST_F(PoolConformance, row_10_a_failing_initializer_breaks_the_pool_and_its_output_is_told) {
  start();
  auto wanted = order({shell("exit 0"), shell("echo no licence; exit 3")});
  wanted.definition.spec.executors = 1;
  wish(wanted, PoolWish::warm, 1);
  ASSERT_TRUE(stands(PoolState::broken));
  EXPECT_EQ(pool().exit_code, 3);
  EXPECT_EQ(pool().output, "no licence\n");
  EXPECT_EQ(pool().reason, "step 2 (/bin/sh) exited with 3");
  EXPECT_EQ(pool().ready, 0U);
  TestAgent agent(farm_, "w");
  agent.lease = farm_.lease("w", 32, "p");
  agent.run_inline("exit 0");
  EXPECT_EQ(agent.expect<wire::Busy>().reason, "pool_broken");
  wanted.definition.spec.init = {shell("exit 0")};
  wanted.definition.version = 2;
  wish(wanted, PoolWish::warm, 1);
  EXPECT_TRUE(has_ready(1)) << "told to try again";
}

TEST_F(PoolConformance, row_11_a_hanging_initializer_is_killed_at_its_time_limit) {
  start();
  auto wanted = order({shell("echo waiting; sleep 1000")});
  wanted.definition.spec.executors = 1;
  wanted.definition.spec.init_limit_ms = 200;
  wish(wanted, PoolWish::warm, 1);
  ASSERT_TRUE(stands(PoolState::broken));
  EXPECT_NE(pool().reason.find("time limit"), std::string::npos) << pool().reason;
  EXPECT_EQ(pool().output, "waiting\n");
}

TEST_F(PoolConformance, row_31_what_an_initializer_writes_is_in_the_pools_log_alone) {
  start();
  auto wanted = order({shell("echo first; echo second >&2"), shell("echo third")});
  wanted.definition.spec.executors = 1;
  wanted.definition.spec.probe = shell("echo probed");
  wish(wanted, PoolWish::warm, 1);
  ASSERT_TRUE(has_ready(1));
  EXPECT_EQ(pool().output, "first\nsecond\nthird\nprobed\n");
  TestAgent agent(farm_, "w");
  agent.lease = farm_.lease("w", 32, "p");
  agent.run_inline("echo here");
  EXPECT_EQ(agent.standard_output(agent.finish()), "here\n");
}

TEST_F(PoolConformance, row_10_an_initializer_may_write_as_much_as_it_likes) {
  start();
  auto wanted = order({shell("head -c 1M /dev/zero; echo; echo done")});
  wanted.definition.spec.executors = 1;
  wish(wanted, PoolWish::warm, 1);
  ASSERT_TRUE(has_ready(1));
  EXPECT_EQ(pool().output, "done\n");
}

TEST_F(PoolConformance, row_10_an_initializer_without_a_root_on_this_node_is_refused) {
  start();
  auto wanted = order({shell("exit 0")});
  wanted.definition.spec.toolchains[0].architecture = "another";
  wish(wanted, PoolWish::warm, 1);
  ASSERT_TRUE(stands(PoolState::broken));
  EXPECT_NE(pool().reason.find("toolchain"), std::string::npos) << pool().reason;
}

TEST_F(PoolConformance, row_15_an_executor_that_dies_is_replaced) {
  start();
  auto wanted = order();
  const auto before = descendants(farm_.worker("w").pid);
  wish(wanted, PoolWish::warm, 1);
  ASSERT_TRUE(has_ready(1));
  auto others = descendants(farm_.worker("w").pid);
  for (const auto pid : before) others.erase(pid);
  ASSERT_FALSE(others.empty());
  for (const auto pid : others) ::kill(pid, SIGKILL);
  EXPECT_TRUE(farm_.until([&] { return pool().crashes == 1 && pool().ready == 1; }));
}

TEST_F(PoolConformance, row_20_a_pools_time_limit_bounds_its_tasks) {
  start();
  auto wanted = order();
  wanted.definition.spec.limits.wall_ms = 200;
  send(wanted);
  TestAgent agent(farm_, "w");
  ASSERT_TRUE(farm_.until([&] { return pool().version == 1; }));
  agent.lease = farm_.lease("w", 32, "p");
  agent.run_inline("echo so far; sleep 1000");
  const auto result = agent.finish();
  EXPECT_EQ(result.result.outcome, Outcome::time_limit);
  EXPECT_EQ(agent.standard_output(result), "so far\n");
}

TEST_F(PoolConformance, row_24_quiesce_stops_executors_and_a_task_brings_them_back) {
  start();
  auto wanted = order({shell("exit 0")});
  wish(wanted, PoolWish::warm, 2);
  ASSERT_TRUE(has_ready(2));
  wish(wanted, PoolWish::quiesce);
  ASSERT_TRUE(stands(PoolState::quiesced));
  TestAgent agent(farm_, "w");
  agent.lease = farm_.lease("w", 32, "p");
  agent.run_inline("echo awake");
  EXPECT_EQ(agent.standard_output(agent.finish()), "awake\n");
  EXPECT_TRUE(farm_.until([&] { return pool().wakes == 1; }));
  EXPECT_EQ(pool().quiesces, 1U);
}

TEST_F(PoolConformance, row_24_reports_say_which_order_of_the_coordinators_life_they_reflect) {
  start();
  auto wanted = order();
  wanted.number = 5;
  wish(wanted, PoolWish::warm, 2);
  ASSERT_TRUE(farm_.until([&] { return pool().order == 5; }));
  EXPECT_NE(pool().state, PoolState::cold) << "the wish is carried out by then";
  EXPECT_EQ(farm_.worker("w").reports_to, farm_.epoch);
  ASSERT_TRUE(has_ready(2));
  wanted.number = 6;
  wish(wanted, PoolWish::quiesce);
  ASSERT_TRUE(farm_.until([&] { return pool().order == 6; }));
  EXPECT_EQ(pool().state, PoolState::quiesced);
  farm_.restart_coordinator();
  ASSERT_TRUE(farm_.until([&] { return farm_.worker("w").reports_to == farm_.epoch; }));
  EXPECT_EQ(pool().order, 0U) << "numbers of the life before mean nothing";
}

TEST_F(PoolConformance, row_25_an_idle_pool_quiesces_by_itself) {
  start();
  auto wanted = order();
  wanted.definition.spec.idle_ms = 100;
  wish(wanted, PoolWish::warm, 2);
  EXPECT_TRUE(stands(PoolState::quiesced));
  EXPECT_EQ(pool().quiesces, 1U);
}

TEST_F(PoolConformance, row_26_quiesced_executors_give_their_memory_back) {
  start();
  const pid_t worker = farm_.worker("w").pid;
  auto wanted = order();
  wanted.definition.spec.executors = 8;
  wish(wanted, PoolWish::warm, 8);
  ASSERT_TRUE(has_ready(8));
  const auto during = descendants(worker);
  const auto warm_bytes = resident_bytes(during);
  wish(wanted, PoolWish::quiesce);
  ASSERT_TRUE(stands(PoolState::quiesced));
  // Each had at least one init; the default pool's two executors may make one more meanwhile.
  const std::size_t left = during.size() - 2 * 8 + 2;
  EXPECT_TRUE(farm_.until([&] { return descendants(worker).size() <= left; }));
  EXPECT_LT(resident_bytes(descendants(worker)), warm_bytes / 2);
}

TEST_F(PoolConformance, row_28_a_pool_that_leaves_the_node_takes_no_tasks) {
  start();
  auto wanted = order();
  wish(wanted, PoolWish::warm, 1);
  ASSERT_TRUE(has_ready(1));
  TestAgent agent(farm_, "w");
  agent.lease = farm_.lease("w", 32, "p");
  agent.run_inline("exit 0");
  agent.finish();
  wanted.definition.version = 2;
  wanted.definition.deleted = true;
  send(wanted);
  ASSERT_TRUE(farm_.until([&] { return pool().version == 0; }));
  agent.run_inline("exit 0");
  EXPECT_EQ(agent.expect<wire::Busy>().reason, "no_pool");
}

TEST_F(PoolConformance, row_12_executors_are_forked_from_a_template_that_was_initialised_once) {
  start();
  auto wanted = order({shell("exit 0")});
  wanted.definition.spec.context = PoolContext::fork;
  wish(wanted, PoolWish::warm, 2);
  ASSERT_TRUE(has_ready(2)) << pool().reason;
  EXPECT_EQ(pool().context, PoolContext::fork);
  TestAgent agent(farm_, "w");
  agent.lease = farm_.lease("w", 32, "p");
  agent.run_inline("echo forked");
  EXPECT_EQ(agent.standard_output(agent.finish()), "forked\n");
  wish(wanted, PoolWish::quiesce);
  EXPECT_TRUE(stands(PoolState::quiesced));
}

TEST_F(PoolConformance, row_1_toolchains_are_staged_ahead_from_node_to_node) {
  start();
  farm_.start("second");
  auto wanted = order({shell("exit 0")});
  wanted.stage = {shell_};
  wanted.sources = {farm_.worker("w").node.bulk_address};
  wanted.wish_number = 1;
  wanted.wish = PoolWish::warm;
  wanted.warm = 1;
  send(wanted, "second");
  ASSERT_TRUE(farm_.until([&] { return pool("second").ready == 1; })) << pool("second").reason;
  EXPECT_EQ(pool("second").staged, 1U);
  TestAgent agent(farm_, "second");
  agent.send(agent.make_run("echo here"));
  EXPECT_EQ(agent.standard_output(agent.finish()), "here\n");
  EXPECT_LE(agent.needed.size(), 2U) << "listings of its inputs only";
}

TEST_F(PoolConformance, row_3_a_pool_waits_for_its_toolchain_and_says_what_for) {
  farm_.start("w", 2);
  TestAgent agent(farm_, "w");
  auto run = agent.make_run("exit 0");
  shell_ = {"sh", "/bin/sh", architecture(), run.task.toolchain};
  auto wanted = order({shell("exit 0")});
  wish(wanted, PoolWish::warm, 2);
  ASSERT_TRUE(farm_.until([&] { return !pool().reason.empty(); }));
  EXPECT_THAT(pool().reason, testing::HasSubstr(shell_.digest.short_hex()));
  EXPECT_THAT(pool().reason, testing::HasSubstr("no other worker has"));
  EXPECT_EQ(pool().state, PoolState::warming);
  agent.send(run);
  agent.finish();
  wish(wanted, PoolWish::warm, 2);  // else it is tried some seconds later
  ASSERT_TRUE(has_ready(2)) << pool().reason;
  EXPECT_EQ(pool().reason, "");
}

TEST_F(PoolConformance, row_16_a_forkservers_tasks_give_what_executed_ones_give) {
  start();
  auto wanted = order();
  wanted.definition.spec.context = PoolContext::forkserver;
  wish(wanted, PoolWish::warm, 1);
  ASSERT_TRUE(has_ready(1)) << pool().reason;
  EXPECT_EQ(pool().context == PoolContext::forkserver, pool().fallback.empty());
  TestAgent agent(farm_, "w");
  agent.lease = farm_.lease("w", 32, "p");
  agent.run_inline("echo $0; echo made > out");
  const auto result = agent.finish();
  EXPECT_EQ(agent.standard_output(result), "sh\n");
  EXPECT_EQ(result.result.outputs.size(), 1U);
}

TEST_F(PoolConformance, row_16_executors_that_share_a_proof_all_hold_their_program) {
  start(4);
  auto wanted = order();
  wanted.definition.spec.context = PoolContext::forkserver;
  wish(wanted, PoolWish::warm, 4);
  ASSERT_TRUE(has_ready(4)) << pool().reason;
  EXPECT_EQ(pool().fallback, "");
  wish(wanted, PoolWish::quiesce);
  ASSERT_TRUE(stands(PoolState::quiesced));
  wish(wanted, PoolWish::warm, 4);
  ASSERT_TRUE(has_ready(4));
  EXPECT_EQ(pool().fallback, "");
}

TEST_F(PoolConformance, row_16_a_forkserver_whose_program_is_not_there_falls_back_visibly) {
  start();
  auto wanted = order();
  wanted.definition.spec.context = PoolContext::forkserver;
  wanted.definition.spec.toolchains[0].program = "/bin/missing";
  wish(wanted, PoolWish::warm, 1);
  ASSERT_TRUE(has_ready(1)) << pool().reason;
  EXPECT_EQ(pool().context, PoolContext::spawn);
  EXPECT_NE(pool().fallback, "");
  wish(wanted, PoolWish::quiesce);
  ASSERT_TRUE(stands(PoolState::quiesced));
  TestAgent agent(farm_, "w");
  agent.lease = farm_.lease("w", 32, "p");
  agent.run_inline("echo executed");
  EXPECT_EQ(agent.standard_output(agent.finish()), "executed\n");
  EXPECT_EQ(pool().context, PoolContext::spawn) << "also where the problem was known before";
  EXPECT_NE(pool().fallback, "");
}

TEST_F(PoolConformance, row_22_tasks_that_last_are_logged_with_phase_and_process) {
  const auto log = farm_.directory.path() / "log";
  farm_.start("w", 1, {"--report-stuck", "200ms", "--log-file", log});
  TestAgent agent(farm_, "w");
  agent.run_inline("sleep 1000");
  std::string line;
  ASSERT_TRUE(farm_.until([&] {
    std::ifstream file(log);
    while (std::getline(file, line)) {
      if (line.find("task_lasts") != std::string::npos && line.find("running") != line.npos)
        return true;
    }
    return false;
  }));
  EXPECT_THAT(line, testing::HasSubstr("task=script"));
  EXPECT_THAT(line, testing::HasSubstr("pool=default"));
  ASSERT_TRUE(farm_.until([&] {
    const auto& tasks = farm_.worker("w").occupancy.tasks;
    return tasks.size() == 1 && tasks[0].pid > 0;
  }));
  const auto pid = farm_.worker("w").occupancy.tasks[0].pid;
  EXPECT_TRUE(descendants(farm_.worker("w").pid).contains(pid));
  EXPECT_THAT(line, testing::HasSubstr("pid=" + std::to_string(pid)));
}

TEST_F(PoolConformance, row_9_a_step_sees_the_declared_environment_and_nothing_else) {
  ::setenv("KILN_TEST_SECRET", "leaked", 1);
  start();
  ::unsetenv("KILN_TEST_SECRET");
  auto wanted = order({shell("test \"$A\" = b && test -z \"$KILN_TEST_SECRET\"")});
  wanted.definition.spec.environment = {{"A", "b"}};
  wish(wanted, PoolWish::warm, 1);
  EXPECT_TRUE(has_ready(1)) << pool().reason;
}

TEST_F(PoolConformance, row_27_an_initializer_that_runs_is_asked_to_end_when_the_worker_stops) {
  const auto log = farm_.directory.path() / "log";
  farm_.start("w", 2, {"--log-file", log});
  TestAgent agent(farm_, "w");
  auto run = agent.make_run("exit 0");
  shell_ = {"sh", "/bin/sh", architecture(), run.task.toolchain};
  agent.send(run);
  agent.finish();
  auto wanted = order({shell("trap 'exit 0' TERM; while :; do sleep 0.02; done")});
  wish(wanted, PoolWish::warm, 1);
  // Its trap stands by then.
  ASSERT_TRUE(farm_.until([&] { return runs_below(farm_.worker("w").pid, "sleep"); }));
  farm_.signal("w", SIGTERM);
  EXPECT_EQ(farm_.wait_for_end("w"), 0);
  std::ifstream file(log);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(text, testing::HasSubstr("initializer_failed pool=p"));
  EXPECT_THAT(text, testing::HasSubstr("was ended by the worker's shutdown"));
}

// A store that has room for the shell's toolchain and one of the larger ones that others bring.
class FullStoreOfPool : public PoolConformance {
 protected:
  FullStoreOfPool() {
    farm_.start("w", 2, {"--store-limit", "24000000"});
    agent_ = std::make_unique<TestAgent>(farm_, "w");
    shell_ = {"sh", "/bin/sh", architecture(), agent_->toolchain.finish(files_)};
    agent_->run_inline("exit 0");
    agent_->finish();
  }
  // Tasks with toolchains of their own, until one was evicted.
  void bring_others() {
    for (int i = 0; i < 3; ++i) {
      TestAgent other(farm_, "w");
      other.toolchain.add_file("/filler", std::string(4'000'000, static_cast<char>(++brought_)));
      const auto run = other.make_run("exit 0");
      if (i == 0) first_other_ = run.task.toolchain;
      other.send_with_blobs(run);
      other.finish();
    }
    EXPECT_TRUE(farm_.until([this] { return !is_there(first_other_); })) << "nothing was evicted";
  }
  bool is_there(const Digest& toolchain) {
    const auto& there = farm_.worker("w").occupancy.toolchains;
    return std::find(there.begin(), there.end(), toolchain) != there.end();
  }

  std::unique_ptr<TestAgent> agent_;
  Blobs files_;  // of the shell's toolchain, and its listings
  Digest first_other_;
  int brought_ = 0;
};

TEST_F(FullStoreOfPool, keeps_what_idle_executors_stand_on_as_long_as_the_pool_is_there) {
  auto wanted = order();
  wanted.definition.spec.context = PoolContext::forkserver;
  wish(wanted, PoolWish::warm, 1);
  ASSERT_TRUE(has_ready(1)) << pool().reason;
  bring_others();
  EXPECT_TRUE(is_there(shell_.digest));
  agent_->lease = farm_.lease("w", 32, "p");
  agent_->needed.clear();
  agent_->send(agent_->make_run("echo here"));
  EXPECT_EQ(agent_->standard_output(agent_->finish()), "here\n");
  for (const auto& digest : agent_->needed) EXPECT_FALSE(files_.contains(digest)) << "staged again";
  EXPECT_TRUE(farm_.until([&] { return pool().warm_hits == 1; }));
  EXPECT_EQ(pool().crashes, 0U);
  wanted.definition.version = 2;
  wanted.definition.deleted = true;
  send(wanted);
  ASSERT_TRUE(farm_.until([&] { return pool().version == 0; }));
  bring_others();
  EXPECT_FALSE(is_there(shell_.digest)) << "nobody held it any more";
}

TEST_F(PoolConformance, row_29_coordinators_hear_of_definitions_while_they_stay_connected) {
  start();
  send(order());
  ASSERT_TRUE(farm_.until([&] { return !farm_.worker("w").definitions.empty(); }));
  EXPECT_EQ(farm_.worker("w").definitions[0], order().definition);
}

TEST_F(PoolConformance, row_29_a_worker_that_starts_again_still_knows_definitions) {
  start();
  send(order());
  ASSERT_TRUE(farm_.until([&] { return pool().version == 1; }));
  farm_.signal("w", SIGTERM);
  ASSERT_EQ(farm_.wait_for_end("w"), 0);
  farm_.start("w", 2);
  ASSERT_TRUE(farm_.until([&] { return !farm_.worker("w").definitions.empty(); }));
  EXPECT_EQ(farm_.worker("w").definitions[0], order().definition);
}

}  // namespace
}  // namespace kiln::worker
