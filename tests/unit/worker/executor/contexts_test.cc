// What holds of an executor whatever its context.
#include <csignal>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/files.h"
#include "common/base/unique_fd.h"
#include "tests/unit/worker/executor/scene.h"

namespace kiln::worker {
namespace {

enum class Context { spawn, fork, forkserver };
using Case = std::tuple<Context, As>;

std::string case_name(const testing::TestParamInfo<Case>& info) {
  const auto [context, who] = info.param;
  const std::string name = context == Context::spawn  ? "spawn"
                           : context == Context::fork ? "fork"
                                                      : "forkserver";
  return name + (who == As::itself ? "_as_itself" : "_as_ordinary_user");
}

// A scene whose executor is of the context.
std::unique_ptr<Scene> scene_of(Context context) {
  auto scene = std::make_unique<Scene>();
  if (context == Context::forkserver) scene->hold({"/bin/sh"});
  if (context == Context::fork) {
    ExecutorSpec spec;
    spec.parent = scene->make_template();
    const auto before = std::exchange(scene->executor, scene->make_executor(spec));
    scene->host->stop(before);
    scene->wait_until([&] { return !scene->events.stopped.empty(); });
  }
  return scene;
}

class PoolContexts : public testing::TestWithParam<Case> {
 protected:
  void in_context(const std::function<void(Scene&)>& body) const {
    const auto [context, who] = GetParam();
    run_as(who, [&, context = context] {
      ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
      const auto scene = scene_of(context);
      const auto probe = scene->run("true");
      EXPECT_EQ(probe.forked, context == Context::forkserver);
      body(*scene);
    });
  }
};
INSTANTIATE_TEST_SUITE_P(PoolConformance, PoolContexts,
                         testing::Combine(testing::Values(Context::spawn, Context::fork,
                                                          Context::forkserver),
                                          testing::Values(As::itself, As::ordinary_user)),
                         case_name);

TEST_P(PoolContexts, row_06_a_task_is_marked_as_inside_of_an_executor) {
  in_context([](Scene& scene) {
    auto request = scene.shell("echo $KILN_EXECUTOR");
    request.environment.emplace_back("KILN_EXECUTOR", "0");
    EXPECT_EQ(out(scene.run(request)), "1\n");
  });
}

TEST_P(PoolContexts, row_07_kill_9_of_the_nursery_leaves_nothing_after_two_seconds) {
  in_context([](Scene& scene) {
    scene.start(scene.shell("touch began; trap '' HUP TERM; sleep 1000 & sleep 1000"));
    ASSERT_TRUE(scene.wait_for_file("began"));
    const auto nursery = scene.nursery();
    ASSERT_GT(nursery, 0);
    const auto killed = Clock::now();
    ::kill(nursery, SIGKILL);
    while (::waitpid(-1, nullptr, 0) > 0) {  // all orphans are this process's children now
    }
    EXPECT_LT(Clock::now() - killed, seconds(2));
  });
}

TEST_P(PoolContexts, row_08_a_terminals_interrupt_reaches_no_executor) {
  in_context([](Scene& scene) {
    scene.start(scene.shell("touch began; sleep 0.2; exit 4"));
    ASSERT_TRUE(scene.wait_for_file("began"));
    // To every process that the worker has, as a terminal does only for those of its group.
    for (const pid_t pid : {scene.nursery(), scene.host->executor_pid(scene.executor)}) {
      ASSERT_GT(pid, 0);
      EXPECT_NE(::getpgid(pid), ::getpgrp());
      ::kill(pid, SIGINT);
      ::kill(pid, SIGTERM);
    }
    EXPECT_EQ(scene.wait_report().exit_code, 4);
    EXPECT_TRUE(scene.events.died.empty());
  });
}

TEST_P(PoolContexts, row_09_nothing_is_inherited_but_what_is_declared) {
  in_context([](Scene& scene) {
    const UniqueFd extra(::open("/dev/null", O_RDONLY));
    ::setenv("KILN_TEST_SECRET", "secret", 1);
    const auto report = scene.run("env; ls /proc/$$/fd");
    EXPECT_EQ(out(report), "PATH=/bin\nPWD=/build\nKILN_EXECUTOR=1\n0\n1\n2\n");
  });
}

TEST_P(PoolContexts, row_15_an_executor_that_dies_loses_only_its_task) {
  in_context([](Scene& scene) {
    const auto pid = scene.host->executor_pid(scene.executor);
    ASSERT_GT(pid, 0);
    scene.start(scene.shell("touch began; sleep 1000"));
    ASSERT_TRUE(scene.wait_for_file("began"));
    EXPECT_GT(scene.host->task_pid(scene.executor), 0);
    ::kill(pid, SIGKILL);
    ASSERT_TRUE(scene.wait_until([&] { return !scene.events.died.empty(); }));
    EXPECT_EQ(scene.wait_report().outcome, Outcome::executor_lost);
    scene.executor = scene.make_executor();
    EXPECT_EQ(scene.run("exit 6").exit_code, 6);
  });
}

TEST_P(PoolContexts, row_15_a_command_that_kills_itself_fails_only_itself) {
  in_context([](Scene& scene) {
    const auto report = scene.run("echo before; kill -SEGV $$");
    EXPECT_EQ(report.outcome, Outcome::signalled);
    EXPECT_EQ(report.signal, SIGSEGV);
    EXPECT_EQ(out(report), "before\n");
    EXPECT_EQ(scene.run("exit 6").exit_code, 6);
  });
}

TEST_P(PoolContexts, row_18_a_cancelled_task_is_gone_with_all_its_processes) {
  in_context([](Scene& scene) {
    const auto init = [&] { return scene.host->task_pid(scene.executor); };
    scene.start(scene.shell("trap '' TERM INT HUP; touch began; (sleep 1000 &); sleep 1000"));
    ASSERT_TRUE(scene.wait_for_file("began"));
    const auto its = init();
    ASSERT_GT(its, 0);
    scene.host->cancel(scene.executor);
    EXPECT_EQ(scene.wait_report().outcome, Outcome::cancelled);
    EXPECT_TRUE(scene.wait_until([&] { return ::kill(its, 0) != 0 || children_of(its).empty(); }));
    EXPECT_EQ(scene.run("exit 3").exit_code, 3);
  });
}

TEST_P(PoolContexts, row_19_nothing_of_a_task_is_seen_by_the_next) {
  in_context([](Scene& scene) {
    const std::string look = "echo $A; pwd; umask; ulimit -n; ls /tmp /build";
    const auto before = out(scene.run(look));
    auto request = scene.shell("export B=2; umask 077; ulimit -n 64; cd /; touch /tmp/x /build/y");
    request.environment.emplace_back("A", "1");
    EXPECT_EQ(scene.run(request).exit_code, 0);
    EXPECT_EQ(out(scene.run(look)), before);
  });
}

TEST_P(PoolContexts, row_20_a_task_past_its_time_limit_keeps_its_output) {
  in_context([](Scene& scene) {
    auto request = scene.shell("echo began; sleep 1000 & sleep 1000");
    request.limits.wall_ms = 200;
    const auto report = scene.run(request);
    EXPECT_EQ(report.outcome, Outcome::time_limit);
    EXPECT_EQ(out(report), "began\n");
    EXPECT_NE(report.message.find("200 ms"), std::string::npos);
    EXPECT_EQ(scene.run("exit 3").exit_code, 3);
  });
}

TEST_P(PoolContexts, row_21_a_task_past_its_memory_limit_is_killed_and_says_so) {
  in_context([](Scene& scene) {
    auto request = scene.shell("head -c 200m /dev/zero | tail -c 200m | { sleep 1000; cat; }");
    request.limits.memory_bytes = 64U << 20U;
    EXPECT_EQ(scene.run(request).outcome, Outcome::memory_limit);
    request = scene.shell("exit 3");
    request.limits.memory_bytes = 64U << 20U;
    EXPECT_EQ(scene.run(request).exit_code, 3);
  });
}

// The shells of these tests wait for a child in the background: a foreground command that begins
// just after the signal would keep it from them.
TEST_P(PoolContexts, row_27_a_task_that_is_asked_to_end_may_end_itself) {
  in_context([](Scene& scene) {
    scene.start(scene.shell("trap 'echo asked; exit 5' TERM; sleep 1000 & touch began; wait"));
    ASSERT_TRUE(scene.wait_for_file("began"));
    scene.host->terminate(scene.executor);
    const auto report = scene.wait_report();
    EXPECT_EQ(report.outcome, Outcome::exited) << report.message;
    EXPECT_EQ(report.exit_code, 5);
    EXPECT_EQ(out(report), "asked\n");
    EXPECT_TRUE(report.terminated);
    EXPECT_FALSE(scene.run("exit 3").terminated);
  });
}

TEST_P(PoolContexts, row_27_a_task_that_ignores_sigterm_lives_until_it_is_killed) {
  in_context([](Scene& scene) {
    scene.start(
        scene.shell("trap : TERM; sleep 1000 & touch began; wait; touch asked; sleep 1000"));
    ASSERT_TRUE(scene.wait_for_file("began"));
    scene.host->terminate(scene.executor);
    ASSERT_TRUE(scene.wait_for_file("asked"));
    EXPECT_TRUE(scene.events.reports.empty());
    scene.host->cancel(scene.executor);
    EXPECT_EQ(scene.wait_report().outcome, Outcome::cancelled);
    EXPECT_EQ(scene.run("exit 3").exit_code, 3);
  });
}

TEST_P(PoolContexts, row_31_output_goes_to_the_task_alone) {
  const auto [context, who] = GetParam();
  run_as(who, [context = context] {
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd reader(ends[0]);
    const int out_before = ::dup(1), err_before = ::dup(2);
    ::dup2(ends[1], 1);
    ::dup2(ends[1], 2);
    ::close(ends[1]);
    {
      const auto scene = scene_of(context);
      EXPECT_EQ(out(scene->run("echo said; echo complained >&2")), "said\n");
    }
    ::dup2(out_before, 1);
    ::dup2(err_before, 2);
    EXPECT_EQ(read_all(reader.get()).value_or("(unreadable)"), "");
  });
}

}  // namespace
}  // namespace kiln::worker
