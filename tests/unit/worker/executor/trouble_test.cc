// Processes that die, hang or cannot be reached at the wrong moment, and nodes that are full.
#include <csignal>
#include <fstream>
#include <string>

#include <poll.h>
#include <unistd.h>

#include "tests/unit/worker/executor/scene.h"

namespace kiln::worker {
namespace {

namespace fs = std::filesystem;

class Trouble : public testing::TestWithParam<As> {};
INSTANTIATE_TEST_SUITE_P(Worker, Trouble, testing::Values(As::itself, As::ordinary_user), as_name);

// But those that it was started with.
std::size_t sockets_of(pid_t pid) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    std::error_code code;
    if (std::stoi(entry.path().filename()) > 2 &&
        fs::read_symlink(entry, code).native().starts_with("socket:"))
      ++count;
  }
  return count;
}

// Of its process's state in /proc: it waits for something, and no longer makes an init.
bool is_asleep(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  return text.find(") S ") != std::string::npos;
}

// Both inits of the idle executor, which the host knows already: it holds a channel to each beside
// those to the nursery and the executor, which has let go of its own copies.
std::vector<pid_t> waiting_inits(Scene& scene) {
  const auto executor = scene.executor_process();
  scene.wait_until([executor] {
    return children_of(executor).size() == 2 && sockets_of(::getpid()) >= 4 && is_asleep(executor);
  });
  return children_of(executor);
}

TEST_P(Trouble, waiting_inits_that_died_cost_no_task) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto executor = scene.executor_process();
    const auto inits = waiting_inits(scene);
    ::kill(executor, SIGSTOP);
    for (const pid_t init : inits) ::kill(init, SIGKILL);
    // Their ends of the channels are closed before they are zombies.
    while (!children_of(executor).empty()) ::poll(nullptr, 0, 1);  // the alarm is the deadline
    scene.start(scene.shell("exit 7"));
    ::kill(executor, SIGCONT);
    const auto report = scene.wait_report();
    EXPECT_EQ(report.outcome, Outcome::exited) << report.message;
    EXPECT_EQ(report.exit_code, 7);
  });
}

TEST_P(Trouble, a_task_that_reaches_no_init_is_reported) {
  run_as(GetParam(), [] {
    Scene scene;
    waiting_inits(scene);
    auto request = scene.shell("true");
    request.argv.emplace_back(100'000, 'x');  // so large that it needs a memory file
    {
      const NoMoreDescriptors tight;
      scene.start(request);
    }
    const auto report = scene.wait_report();
    EXPECT_EQ(report.outcome, Outcome::executor_lost);
    EXPECT_NE(report.message.find("memory file"), std::string::npos) << report.message;
    EXPECT_EQ(scene.run(request).outcome, Outcome::exited);
    EXPECT_TRUE(scene.events.died.empty());
  });
}

TEST_P(Trouble, an_executor_whose_inits_keep_dying_breaks_and_says_so) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto executor = scene.executor_process();
    ASSERT_TRUE(scene.wait_until([&] {
      if (!scene.events.died.empty()) return true;
      for (const pid_t init : children_of(executor)) ::kill(init, SIGKILL);
      return false;
    }));
    const auto& reason = scene.events.died.at(scene.executor).message;
    EXPECT_NE(reason.find("3 inits in a row"), std::string::npos) << reason;
    EXPECT_NE(reason.find("signal 9"), std::string::npos) << reason;
  });
}

TEST_P(Trouble, a_dying_executor_takes_its_new_task_along_once) {
  run_as(GetParam(), [] {
    Scene scene;
    waiting_inits(scene);
    const auto nursery = scene.nursery();
    const auto executor = scene.executor_process();
    ::kill(nursery, SIGSTOP);  // so that nobody tells yet
    ::kill(executor, SIGKILL);
    ASSERT_TRUE(scene.wait_until([&] {
      pollfd watched{scene.host->fd(), POLLIN, 0};
      return children_of(nursery).empty() && ::poll(&watched, 1, 0) == 0;
    }));
    auto request = scene.shell("true");
    request.attempt = AttemptId{8, 9};
    const auto started = scene.host->run(scene.executor, request);
    EXPECT_TRUE(started) << started.error().message;
    EXPECT_TRUE(scene.events.died.empty());
    ::kill(nursery, SIGCONT);
    ASSERT_TRUE(scene.wait_until([&] { return !scene.events.died.empty(); }));
    ASSERT_EQ(scene.events.reports.size(), 1U);
    const auto report = scene.wait_report();
    EXPECT_EQ(report.outcome, Outcome::executor_lost);
    EXPECT_EQ(report.attempt, (AttemptId{8, 9}));
  });
}

TEST_P(Trouble, the_hang_up_of_an_executor_is_its_own) {
  run_as(GetParam(), [] {
    Scene scene;
    for (const pid_t init : waiting_inits(scene))
      EXPECT_TRUE(scene.wait_until([init] { return sockets_of(init) == 1; }));
  });
}

TEST_P(Trouble, an_executor_that_does_not_end_its_cancelled_task_is_given_up) {
  run_as(GetParam(), [] {
    HostOptions options;
    options.cancel_patience = milliseconds(100);
    Scene scene(options);
    const auto inits = waiting_inits(scene);
    scene.start(scene.shell("touch began; sleep 1000"));
    ASSERT_TRUE(scene.wait_for_file("began"));
    for (const pid_t init : inits) ::kill(init, SIGSTOP);
    scene.host->cancel(scene.executor);
    const auto report = scene.wait_report();
    EXPECT_EQ(report.outcome, Outcome::executor_lost);
    EXPECT_NE(report.message.find("cancelled task"), std::string::npos) << report.message;
    EXPECT_EQ(scene.events.died.count(scene.executor), 1U);
    EXPECT_TRUE(release(report.workspace));
    EXPECT_TRUE(scene.wait_until([&] { return children_of(scene.nursery()).empty(); }));
    scene.executor = scene.make_executor();
    EXPECT_EQ(scene.run("exit 3").exit_code, 3);
  });
}

TEST_P(Trouble, the_hosts_end_leaves_no_workspace_on_the_disk) {
  run_as(GetParam(), [] {
    Scene scene(false);
    EXPECT_EQ(scene.run("touch never_released").outcome, Outcome::exited);
    scene.start(scene.shell("touch began; sleep 1000"));
    ASSERT_TRUE(scene.wait_for_file("began"));
    EXPECT_EQ(scene.workspaces(), 2U);
    scene.host.reset();
    for (const auto& entry : fs::directory_iterator(scene.scratch())) {
      EXPECT_FALSE(entry.path().filename().native().starts_with("task")) << entry.path();
    }
  });
}

TEST_P(Trouble, a_full_scratch_directory_is_the_nodes_fault) {
  run_as(GetParam(), [] {
    HostOptions options;
    options.memory_bytes = 8 << 20;
    Scene scene(options);
    const auto report = scene.run("head -c 16m /dev/zero >big || exit 4");
    if (!scene.is_in_memory()) {  // a disk has no limit of ours
      EXPECT_EQ(report.outcome, Outcome::exited);
      return;
    }
    EXPECT_EQ(report.outcome, Outcome::not_started);
    EXPECT_NE(report.message.find("scratch directory is full"), std::string::npos)
        << report.message;
    EXPECT_TRUE(release(report.workspace));
    // The kernel takes the dead root's mounts apart a little later; until then they hold its files.
    ASSERT_TRUE(scene.wait_until([&] { return scene.free_bytes() > (6U << 20); }));
    EXPECT_EQ(scene.run("head -c 1m /dev/zero >small; exit 4").outcome, Outcome::exited);
    EXPECT_EQ(scene.run("head -c 16m /dev/zero >big; exit 0").outcome, Outcome::exited);
  });
}

}  // namespace
}  // namespace kiln::worker
