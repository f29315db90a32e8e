// Executors that hold programs before their main.
#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "common/base/files.h"
#include "tests/unit/worker/executor/scene.h"
#include "worker/executor/nursery_start.h"

namespace kiln::worker {
namespace {

namespace fs = std::filesystem;

class HeldTest : public testing::TestWithParam<As> {};
INSTANTIATE_TEST_SUITE_P(Worker, HeldTest, testing::Values(As::itself, As::ordinary_user), as_name);

std::string problem_of(const Scene& scene, std::size_t program = 0) {
  const auto facts = scene.host->held(scene.executor);
  return facts.size() > program ? facts[program].problem : "(no fact)";
}

// The init that serves the scene's executor, and the held process below its holder.
pid_t init_of(const Scene& scene) {
  const auto inits = children_of(scene.host->executor_pid(scene.executor));
  return inits.empty() ? 0 : inits.front();
}
pid_t held_of(const Scene& scene) {
  const auto init = init_of(scene);
  for (const pid_t holder : init == 0 ? std::vector<pid_t>() : children_of(init)) {
    for (const pid_t held : children_of(holder)) return held;
  }
  return 0;
}

TEST_P(HeldTest, a_held_program_is_forked_for_task_after_task) {
  run_as(GetParam(), [] {
    Scene scene;
    scene.hold({"/bin/sh"});
    EXPECT_EQ(problem_of(scene), "");
    const auto init = init_of(scene);
    for (const std::string word : {"one", "two", "three"}) {
      const auto report = scene.run("echo " + word + "; echo err >&2; pwd; exit 5");
      EXPECT_EQ(report.outcome, Outcome::exited) << report.message;
      EXPECT_TRUE(report.forked);
      EXPECT_EQ(report.exit_code, 5);
      EXPECT_EQ(out(report), word + "\n/build\n");
      EXPECT_EQ(err(report), "err\n");
      EXPECT_TRUE(release(report.workspace));
    }
    EXPECT_EQ(init_of(scene), init);
  });
}

TEST_P(HeldTest, a_fork_is_as_unprivileged_as_a_command_and_sees_as_little) {
  run_as(GetParam(), [] {
    Scene scene;
    const std::string script =
        "id; cat /proc/self/status | while read key value rest; do case $key in"
        " Cap*|NoNewPrivs:|Seccomp:|Sig[BI]*|Umask:|Groups:|Threads:) echo $key $value;; esac;"
        " done; cat /proc/self/mountinfo | while read a b c root place rest; do echo $place; done;"
        " ls -l /proc/$$/exe | while read a b c d e f g h i rest; do echo $rest; done;"
        " ls -A / /dev /tmp; ls /proc/$$/fd; ulimit -a; cat /proc/1/cmdline; kill -0 1;"
        " cat /proc/$$/comm; env";
    const auto executed = scene.run(script);
    scene.hold({"/bin/sh"});
    const auto forked = scene.run(script);
    EXPECT_FALSE(executed.forked);
    EXPECT_TRUE(forked.forked);
    EXPECT_EQ(out(forked), out(executed));
    EXPECT_EQ(err(forked), err(executed));
    EXPECT_NE(out(forked).find("CapEff: 0000000000000000"), std::string::npos) << out(forked);
  });
}

TEST_P(HeldTest, other_programs_and_other_loaders_are_executed_in_the_same_init) {
  run_as(GetParam(), [] {
    Scene scene;
    scene.hold({"/bin/sh"});
    const auto init = init_of(scene);
    auto request = scene.shell("");
    request.program = "/bin/cat";
    request.argv = {"cat", "/proc/self/comm"};
    auto report = scene.run(request);
    EXPECT_EQ(out(report), "cat\n") << report.message;
    EXPECT_FALSE(report.forked);
    request = scene.shell("exit 4");
    request.environment.emplace_back("LD_BIND_NOW", "1");
    report = scene.run(request);
    EXPECT_EQ(report.exit_code, 4);
    EXPECT_FALSE(report.forked);
    write_text(scene.inputs() / "etc/ld.so.preload", "");
    EXPECT_FALSE(scene.run("exit 4").forked);
    fs::remove(scene.inputs() / "etc/ld.so.preload");
    EXPECT_TRUE(scene.run("exit 4").forked);
    EXPECT_EQ(init_of(scene), init);
  });
}

TEST_P(HeldTest, what_cannot_be_held_is_said_and_executed) {
  run_as(GetParam(), [] {
    Scene scene;
    fs::copy_file("/sbin/ldconfig", scene.tools() / "bin/static");  // static in every Debian
    write_text(scene.tools() / "bin/script", "#!/bin/sh\nexit 6\n");
    fs::permissions(scene.tools() / "bin/script", fs::perms(0755));
    scene.hold({"/bin/static", "/bin/script", "/bin/absent", "/bin/sh"});
    EXPECT_EQ(problem_of(scene, 0), "static program");
    EXPECT_EQ(problem_of(scene, 1), "a script");
    EXPECT_NE(problem_of(scene, 2).find("cannot read it"), std::string::npos);
    EXPECT_EQ(problem_of(scene, 3), "");
    auto request = scene.shell("");
    request.program = "/bin/script";
    EXPECT_EQ(scene.run(request).exit_code, 6);
    EXPECT_TRUE(scene.run("exit 3").forked);
  });
}

TEST_P(HeldTest, an_executor_that_can_hold_nothing_is_an_ordinary_one) {
  run_as(GetParam(), [] {
    Scene scene;
    scene.hold({"/bin/absent"});
    EXPECT_NE(problem_of(scene), "");
    EXPECT_EQ(scene.run("exit 3").exit_code, 3);
    EXPECT_TRUE(scene.wait_until(
        [&] { return children_of(scene.host->executor_pid(scene.executor)).size() == 2; }));
  });
}

// A program that no fork can be told from, but for what it writes: its pid.
void make_differing_program(const Scene& scene) {
  const auto source = scene.directory.path() / "differs.c";
  write_text(source,
             "#include <stdio.h>\n#include <unistd.h>\n"
             "int main(void) { printf(\"%d\\n\", getpid()); return 0; }\n");
  const auto program = scene.tools() / "bin/differs";
  ASSERT_EQ(std::system(("gcc -o " + program.string() + " " + source.string()).c_str()), 0);
}

TEST_P(HeldTest, a_program_that_another_executor_has_proven_is_not_proven_again) {
  run_as(GetParam(), [] {
    Scene scene;
    make_differing_program(scene);
    scene.hold({"/bin/differs"});
    const auto facts = scene.host->held(scene.executor);
    ASSERT_EQ(facts.size(), 1U);
    EXPECT_NE(facts[0].problem.find("differs from an executed one"), std::string::npos);
    EXPECT_TRUE(facts[0].lasting);
    ExecutorSpec spec;
    spec.held = {{{scene.tools()}, "/bin/differs", true}};
    scene.executor = scene.make_executor(spec);
    EXPECT_EQ(problem_of(scene), "");
    auto request = scene.shell("");
    request.program = "/bin/differs";
    EXPECT_TRUE(scene.run(request).forked);
  });
}

TEST_P(HeldTest, a_program_that_another_executor_could_not_hold_is_not_tried) {
  run_as(GetParam(), [] {
    Scene scene;
    ExecutorSpec spec;
    spec.held = {{{scene.tools()}, "/bin/sh", false, "it was seen to differ"}};
    scene.executor = scene.make_executor(spec);
    EXPECT_EQ(problem_of(scene), "it was seen to differ");
    const auto report = scene.run("exit 3");
    EXPECT_EQ(report.exit_code, 3);
    EXPECT_FALSE(report.forked);
  });
}

TEST_P(HeldTest, usage_is_of_each_task_alone) {
  run_as(GetParam(), [] {
    Scene scene;
    scene.hold({"/bin/sh"});
    const auto large = scene.run("head -c 60m /dev/zero | tail -c 60m >/dev/null");
    const auto small = scene.run("exit 0");
    EXPECT_GT(large.usage.max_rss_bytes, 50U << 20U);
    EXPECT_LT(small.usage.max_rss_bytes, 20U << 20U);
    EXPECT_LT(small.usage.user_us + small.usage.system_us,
              large.usage.user_us + large.usage.system_us);
  });
}

TEST_P(HeldTest, a_template_may_lend_its_namespaces_to_one_that_holds) {
  run_as(GetParam(), [] {
    Scene scene;
    ExecutorSpec spec;
    spec.parent = scene.make_template();
    spec.held = {{{scene.tools()}, "/bin/sh"}};
    scene.executor = scene.make_executor(spec);
    EXPECT_TRUE(scene.run("exit 3").forked);
  });
}

class HeldConformance : public testing::TestWithParam<As> {};
INSTANTIATE_TEST_SUITE_P(PoolConformance, HeldConformance,
                         testing::Values(As::itself, As::ordinary_user), as_name);

TEST_P(HeldConformance, row_16_a_held_process_that_dies_is_made_again) {
  run_as(GetParam(), [] {
    Scene scene;
    scene.hold({"/bin/sh"});
    for (int i = 0; i < 5; ++i) {
      const auto init = init_of(scene);
      const auto held = held_of(scene);
      ASSERT_GT(held, 0);
      ::kill(held, SIGKILL);
      ASSERT_TRUE(scene.wait_until([&] { return init_of(scene) != init && held_of(scene) != 0; }));
      const auto report = scene.run("exit 3");
      EXPECT_EQ(report.exit_code, 3) << report.message;
      EXPECT_TRUE(report.forked);
    }
    EXPECT_EQ(problem_of(scene), "");
    EXPECT_TRUE(scene.events.died.empty());
  });
}

TEST_P(HeldConformance, row_16_after_three_rebuilds_in_a_row_it_is_executed) {
  run_as(GetParam(), [] {
    Scene scene;
    scene.hold({"/bin/sh"});
    // A problem may be that of one init that was killed on its way, and the next one holds the
    // program once more.
    RunReport report;
    for (int tries = 0; tries < 200; ++tries) {
      ASSERT_TRUE(scene.wait_until([&] {
        if (const auto held = held_of(scene); held != 0) ::kill(held, SIGKILL);
        return !problem_of(scene).empty();
      }));
      report = scene.run("exit 3");
      if (report.outcome == Outcome::exited && !report.forked) break;
    }
    EXPECT_EQ(report.exit_code, 3) << report.message;
    EXPECT_FALSE(report.forked);
    EXPECT_TRUE(scene.events.died.empty());
  });
}

TEST_P(HeldConformance, row_16_a_held_process_that_is_stopped_costs_no_task) {
  run_as(GetParam(), [] {
    Scene scene;
    scene.hold({"/bin/sh"});
    const auto held = held_of(scene);
    ASSERT_GT(held, 0);
    ::kill(held, SIGSTOP);
    const auto report = scene.run("exit 3");
    EXPECT_EQ(report.exit_code, 3) << report.message;
    EXPECT_FALSE(report.forked);
    EXPECT_TRUE(scene.run("exit 3").forked);
  });
}

// What a task leaves costs the init its life, and the next task sees nothing of it.
void expect_renewed_after(Scene& scene, const RunRequest& request) {
  const auto init = init_of(scene);
  const auto report = scene.run(request);
  EXPECT_EQ(report.outcome, Outcome::exited) << report.message;
  EXPECT_TRUE(report.forked);
  const auto next = scene.run(
      "ls /proc | while read f; do case $f in [0-9]*) echo $f;; esac; done;"
      " while read line; do echo x; done </proc/sysvipc/shm;"
      " ls /tmp; umask; echo $LEFT; ulimit -n; pwd");
  EXPECT_NE(init_of(scene), init) << request.argv.at(2);
  EXPECT_TRUE(next.forked);
  const auto text = out(next);
  EXPECT_EQ(text.find("left"), std::string::npos) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), 'x'), 1) << text;
  EXPECT_NE(text.find("0022\n"), std::string::npos) << text;
}

TEST_P(HeldConformance, row_19_whatever_a_task_leaves_is_gone_after_it) {
  run_as(GetParam(), [] {
    Scene scene;
    scene.hold({"/bin/sh"});
    expect_renewed_after(scene, scene.shell("sleep 1000 & (sleep 1000 &); exit 0"));
    expect_renewed_after(scene, scene.shell("ipcmk -M 4096 >/dev/null; exit 0"));
    // The held process is the highest number before the shell's own; its settings are its user's.
    expect_renewed_after(scene,
                         scene.shell("n=1; while [ $n -lt $$ ]; do prlimit --pid $n --nofile=64:64;"
                                     " n=$((n + 1)); done 2>/dev/null; exit 0"));
    const auto init = init_of(scene);
    auto request = scene.shell("export LEFT=left; umask 077; cd /; ulimit -n 64; touch /tmp/left");
    request.environment.emplace_back("LEFT", "left");
    EXPECT_TRUE(scene.run(request).forked);
    const auto next = scene.run("ls /tmp; umask; echo $LEFT; pwd; ulimit -n");
    EXPECT_EQ(out(next).find("left"), std::string::npos) << out(next);
    EXPECT_EQ(out(next).substr(0, 13), "0022\n\n/build\n");
    EXPECT_NE(out(next).substr(13), "64\n");
    EXPECT_EQ(init_of(scene), init);  // nothing of that is anybody else's
  });
}

}  // namespace
}  // namespace kiln::worker
