// Who lives how long: after a task, after a kill, after the worker.
#include <csignal>
#include <fstream>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/files.h"
#include "tests/unit/worker/executor/scene.h"

namespace kiln::worker {
namespace {

namespace fs = std::filesystem;

class Lifetime : public testing::TestWithParam<As> {};
INSTANTIATE_TEST_SUITE_P(Worker, Lifetime, testing::Values(As::itself, As::ordinary_user), as_name);

// Nothing of a task is left: the executor has only its two waiting inits, and they have nothing.
bool is_idle(Scene& scene) {
  return scene.wait_until([executor = scene.executor_process()] {
    const auto inits = children_of(executor);
    return inits.size() == 2 && children_of(inits[0]).empty() && children_of(inits[1]).empty();
  });
}

std::size_t entries_of(const fs::path& directory) {
  const fs::directory_iterator listing(directory);
  return static_cast<std::size_t>(std::distance(fs::begin(listing), fs::end(listing)));
}

void run_hundred_tasks(bool in_memory) {
  Scene scene(in_memory);
  static_cast<void>(release(scene.run("true").workspace));
  ASSERT_TRUE(is_idle(scene));
  const auto mounts = read_file("/proc/self/mounts");
  const auto own = open_descriptors_of(::getpid());
  const auto executor = scene.executor_process();
  const auto its = open_descriptors_of(executor);
  for (int i = 0; i < 100; ++i) {
    const auto report = scene.run("echo x; mkdir -p /tmp/a/b; echo y >/tmp/a/b/c");
    ASSERT_EQ(report.outcome, Outcome::exited) << report.message;
    ASSERT_TRUE(release(report.workspace));
  }
  EXPECT_TRUE(is_idle(scene));
  EXPECT_EQ(read_file("/proc/self/mounts"), mounts);
  EXPECT_LE(open_descriptors_of(::getpid()), own + 2);  // inits not yet announced before
  EXPECT_EQ(scene.executor_process(), executor);
  // The executor opens and closes some while it makes an init, so the first count may be below
  // what it holds at rest; a leak would be a hundred.
  EXPECT_TRUE(scene.wait_until([&] { return open_descriptors_of(executor) <= its + 4; }));
  EXPECT_EQ(scene.workspaces(), 0U);
  EXPECT_EQ(entries_of(scene.scratch()), 3U);  // dev, lock, root
}

TEST_P(Lifetime, hundred_tasks_leave_no_mount_file_process_or_descriptor) {
  run_as(GetParam(), [] { run_hundred_tasks(true); });
}

TEST_P(Lifetime, hundred_tasks_on_the_disk_leave_nothing_either) {
  run_as(GetParam(), [] { run_hundred_tasks(false); });
}

TEST_P(Lifetime, daemons_of_a_task_do_not_outlive_it) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto report = scene.run(
        "f() { (trap '' HUP TERM; while :; do (sleep 100) & (sleep 100) & sleep 100; done) & };"
        " for i in 1 2 3 4 5 6 7 8 9 10; do f; (f &) & done; echo done");
    EXPECT_EQ(report.outcome, Outcome::exited);
    EXPECT_TRUE(is_idle(scene));
    EXPECT_TRUE(release(report.workspace));
  });
}

TEST_P(Lifetime, a_fork_bomb_ends_at_its_time_limit) {
  run_as(GetParam(), [] {
    Scene scene;
    auto request = scene.shell("b() { b | b & }; b; while :; do :; done");
    request.limits.wall_ms = 150;
    const auto report = scene.run(request);
    EXPECT_TRUE(report.outcome == Outcome::time_limit || report.outcome == Outcome::exited);
    EXPECT_TRUE(is_idle(scene));
    EXPECT_EQ(scene.run("exit 4").exit_code, 4);
  });
}

TEST_P(Lifetime, an_init_that_dies_loses_only_its_task) {
  run_as(GetParam(), [] {
    Scene scene;
    auto request = scene.shell("touch began; sleep 1000");
    request.attempt = AttemptId{5, 6};
    scene.start(request);
    ASSERT_TRUE(scene.wait_for_file("began"));
    // Only the one with the task: another that dies could be given the next before it is gone.
    for (const pid_t init : children_of(scene.executor_process())) {
      if (!children_of(init).empty()) ::kill(init, SIGKILL);
    }
    const auto report = scene.wait_report();
    EXPECT_EQ(report.outcome, Outcome::executor_lost);
    EXPECT_EQ(report.attempt, (AttemptId{5, 6}));
    EXPECT_TRUE(release(report.workspace));
    EXPECT_EQ(scene.run("exit 5").exit_code, 5);
  });
}

TEST_P(Lifetime, an_executor_that_dies_loses_only_its_task) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto first = scene.executor;
    const auto first_process = scene.executor_process();
    const auto second = scene.make_executor();
    ASSERT_TRUE(scene.host->run(second, scene.shell("sleep 1000")));
    scene.start(scene.shell("touch began; while :; do echo x >>began; done"));
    ASSERT_TRUE(scene.wait_for_file("began"));
    ::kill(first_process, SIGKILL);
    ASSERT_TRUE(scene.wait_until([&] { return scene.events.died.count(first) > 0; }));
    const auto report = scene.wait_report();
    EXPECT_EQ(report.outcome, Outcome::executor_lost);
    EXPECT_TRUE(release(report.workspace));
    EXPECT_NE(scene.events.died.at(first).message.find("signal 9"), std::string::npos);
    EXPECT_EQ(scene.host->run(first, scene.shell("true")).error().code, Errc::not_found);
    EXPECT_EQ(children_of(scene.nursery()).size(), 1U);
    scene.host->cancel(second);
    EXPECT_EQ(scene.wait_report().outcome, Outcome::cancelled);
    scene.executor = scene.make_executor();
    EXPECT_EQ(scene.run("exit 6").exit_code, 6);
  });
}

TEST_P(Lifetime, a_nursery_that_dies_takes_everything_along_and_says_so) {
  run_as(GetParam(), [] {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    Scene scene;
    scene.start(scene.shell("touch began; sleep 1000"));
    ASSERT_TRUE(scene.wait_for_file("began"));
    ::kill(scene.nursery(), SIGKILL);
    ASSERT_TRUE(scene.wait_until([&] { return scene.events.failed.has_value(); }));
    EXPECT_EQ(scene.wait_report().outcome, Outcome::executor_lost);
    EXPECT_EQ(scene.events.died.count(scene.executor), 1U);
    EXPECT_FALSE(scene.host->create(ExecutorSpec{}));
    // All orphans are this process's children now; there is an end to them.
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
    EXPECT_TRUE(children_of(::getpid()).empty());
  });
}

TEST_P(Lifetime, stop_reports_the_task_and_then_itself) {
  run_as(GetParam(), [] {
    Scene scene;
    scene.start(scene.shell("touch began; sleep 1000"));
    ASSERT_TRUE(scene.wait_for_file("began"));
    scene.host->stop(scene.executor);
    ASSERT_TRUE(scene.wait_until([&] { return !scene.events.stopped.empty(); }));
    EXPECT_EQ(scene.wait_report().outcome, Outcome::cancelled);
    EXPECT_TRUE(scene.events.died.empty());
    EXPECT_TRUE(children_of(scene.nursery()).empty());
  });
}

TEST_P(Lifetime, the_hosts_end_ends_all) {
  run_as(GetParam(), [] {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    Scene scene;
    scene.start(scene.shell("touch began; sleep 1000"));
    ASSERT_TRUE(scene.wait_for_file("began"));
    scene.host.reset();
    EXPECT_LT(::waitpid(-1, nullptr, 0), 0);  // no child, no orphan
  });
}

// A worker that is killed at once, while it runs a task; its directory stays with the caller.
pid_t start_doomed_worker(const fs::path& note, bool in_memory) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  Scene scene(in_memory);
  scene.start(scene.shell("touch began; trap '' HUP TERM; sleep 1000 & sleep 1000"));
  if (scene.wait_for_file("began")) {
    const auto* kind = scene.is_in_memory() ? "m" : "d";
    static_cast<void>(write_file_atomically(note, kind + scene.directory.path().string(), 0600));
  }
  while (true) ::pause();
}

void kill_worker(bool in_memory) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const TestDirectory directory;
  const auto note = directory.path() / "note";
  const auto mounts = read_file("/proc/self/mounts");
  const pid_t worker = start_doomed_worker(note, in_memory);
  while (!fs::exists(note)) ::poll(nullptr, 0, 5);  // the child's alarm is the deadline
  const auto said = *read_file(note);
  const fs::path left = said.substr(1);
  const auto killed = Clock::now();
  ::kill(worker, SIGKILL);
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
  EXPECT_LT(Clock::now() - killed, seconds(2));
  EXPECT_EQ(read_file("/proc/self/mounts"), mounts);
  EXPECT_EQ(entries_of(left / "scratch") > 3, said[0] == 'd');  // memory is gone already
  {
    HostOptions options;
    options.scratch = left / "scratch";
    options.nursery = nursery_program();
    EXPECT_TRUE(ExecutorHost::start(options));
  }
  EXPECT_EQ(entries_of(left / "scratch"), 3U);
  fs::remove_all(left);
}

TEST_P(Lifetime, kill_9_of_the_worker_leaves_nothing_after_two_seconds) {
  run_as(GetParam(), [] { kill_worker(true); });
}

TEST_P(Lifetime, kill_9_of_a_worker_on_the_disk_leaves_what_the_next_start_removes) {
  run_as(GetParam(), [] { kill_worker(false); });
}

TEST_P(Lifetime, one_scratch_directory_serves_one_host) {
  run_as(GetParam(), [] {
    const Scene scene;
    HostOptions options;
    options.scratch = scene.scratch();
    const auto second = ExecutorHost::start(options);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message.find("another worker"), std::string::npos);
  });
}

TEST_P(Lifetime, refuses_what_cannot_run) {
  run_as(GetParam(), [] {
    Scene scene;
    auto request = scene.shell("true");
    request.argv.clear();
    EXPECT_EQ(scene.host->run(scene.executor, request).error().code, Errc::invalid_argument);
    EXPECT_EQ(scene.host->run(ExecutorId(99), scene.shell("true")).error().code, Errc::not_found);
    scene.start(scene.shell("sleep 1000"));
    EXPECT_EQ(scene.host->run(scene.executor, scene.shell("true")).error().code,
              Errc::already_exists);
  });
}

}  // namespace
}  // namespace kiln::worker
