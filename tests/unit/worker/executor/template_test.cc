// Executors that are forked from a template.
#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "common/base/files.h"
#include "tests/unit/worker/executor/scene.h"

namespace kiln::worker {
namespace {

namespace fs = std::filesystem;

class TemplateTest : public testing::TestWithParam<As> {};
INSTANTIATE_TEST_SUITE_P(Worker, TemplateTest, testing::Values(As::itself, As::ordinary_user),
                         as_name);

ExecutorSpec forked_from(TemplateId parent) {
  ExecutorSpec spec;
  spec.parent = parent;
  return spec;
}

// The nursery's children are the scene's own executor, which is the older, and the template.
pid_t template_process(const Scene& scene) {
  const auto own = scene.host->executor_pid(scene.executor);
  for (const pid_t pid : children_of(scene.nursery())) {
    if (pid != own) return pid;
  }
  return 0;
}

std::string field_of(pid_t pid, const std::string& name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with(name + ":")) return line.substr(line.find_last_of(" \t") + 1);
  }
  return "";
}

std::string namespace_of(pid_t pid, const std::string& kind) {
  std::error_code code;
  return fs::read_symlink("/proc/" + std::to_string(pid) + "/ns/" + kind, code).string();
}

TEST_P(TemplateTest, forks_executors_that_run_tasks_side_by_side) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto parent = scene.make_template();
    const auto first = scene.make_executor(forked_from(parent));
    const auto second = scene.make_executor(forked_from(parent));
    ASSERT_TRUE(scene.host->run(first, scene.shell("touch began; sleep 1000")));
    ASSERT_TRUE(scene.wait_for_file("began"));
    scene.executor = second;
    const auto report = scene.run("hostname; id -u; exit 4");
    EXPECT_EQ(report.exit_code, 4) << report.message;
    EXPECT_TRUE(out(report).starts_with("kiln\n")) << out(report);
    scene.host->cancel(first);
    EXPECT_EQ(scene.wait_report().outcome, Outcome::cancelled);
  });
}

TEST_P(TemplateTest, lends_its_namespaces_but_no_network) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto parent = scene.make_template();
    const auto first = scene.host->executor_pid(scene.make_executor(forked_from(parent)));
    const auto second = scene.host->executor_pid(scene.make_executor(forked_from(parent)));
    EXPECT_THAT(children_of(template_process(scene)), testing::UnorderedElementsAre(first, second));
    for (const pid_t process : {first, second}) {
      for (const auto* kind : {"mnt", "uts", "user"}) {
        EXPECT_EQ(namespace_of(process, kind), namespace_of(template_process(scene), kind)) << kind;
      }
      EXPECT_NE(namespace_of(process, "net"), namespace_of(scene.nursery(), "net"));
      EXPECT_EQ(field_of(process, "Seccomp"), "2");
    }
    EXPECT_NE(namespace_of(first, "net"), namespace_of(second, "net"));
  });
}

TEST_P(TemplateTest, stops_with_its_executors) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto parent = scene.make_template();
    const auto idle = scene.make_executor(forked_from(parent));
    const auto busy = scene.make_executor(forked_from(parent));
    ASSERT_TRUE(scene.host->run(busy, scene.shell("touch began; sleep 1000")));
    ASSERT_TRUE(scene.wait_for_file("began"));
    scene.host->stop_template(parent);
    EXPECT_EQ(scene.host->create(forked_from(parent)).error().code, Errc::not_found);
    ASSERT_TRUE(scene.wait_until(
        [&] { return scene.events.stopped.size() == 2 && template_process(scene) == 0; }));
    EXPECT_EQ(scene.wait_report().outcome, Outcome::cancelled);
    EXPECT_TRUE(scene.events.died.empty());
    EXPECT_TRUE(scene.events.dead_templates.empty());
    EXPECT_EQ(std::count(scene.events.stopped.begin(), scene.events.stopped.end(), idle), 1);
    EXPECT_EQ(scene.run("exit 3").exit_code, 3);
  });
}

class PoolConformance : public testing::TestWithParam<As> {};
INSTANTIATE_TEST_SUITE_P(Worker, PoolConformance, testing::Values(As::itself, As::ordinary_user),
                         as_name);

TEST_P(PoolConformance, row_12_the_template_stays_single_threaded_until_it_has_forked) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto own = scene.executor;
    const auto parent = scene.make_template();
    EXPECT_EQ(field_of(template_process(scene), "Threads"), "1");
    for (int i = 0; i < 3; ++i) {
      scene.executor = scene.make_executor(forked_from(parent));
      EXPECT_EQ(scene.run("exit 3").exit_code, 3);
    }
    EXPECT_EQ(field_of(scene.host->executor_pid(scene.executor), "Threads"), "1");
    scene.executor = own;
    EXPECT_EQ(field_of(template_process(scene), "Threads"), "1");
  });
}

TEST_P(PoolConformance, row_16_a_template_that_dies_is_reported_after_its_executors) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto parent = scene.make_template();
    const auto idle = scene.make_executor(forked_from(parent));
    const auto busy = scene.make_executor(forked_from(parent));
    ASSERT_TRUE(
        scene.host->run(busy, scene.shell("touch began; while :; do echo x >>began; done")));
    ASSERT_TRUE(scene.wait_for_file("began"));
    ::kill(template_process(scene), SIGKILL);
    ASSERT_TRUE(scene.wait_until([&] { return !scene.events.dead_templates.empty(); }));
    const auto report = scene.wait_report();
    EXPECT_EQ(report.outcome, Outcome::executor_lost);
    EXPECT_TRUE(release(report.workspace));  // nobody writes into it any more
    EXPECT_EQ(scene.events.executors_dead_before_template, 2U);
    EXPECT_EQ(scene.events.died.count(idle), 1U);
    EXPECT_EQ(scene.events.died.count(busy), 1U);
    EXPECT_NE(scene.events.dead_templates.at(parent).message.find("signal 9"), std::string::npos);
    EXPECT_EQ(children_of(scene.nursery()).size(), 1U);
    scene.executor = scene.make_executor(forked_from(scene.make_template()));
    EXPECT_EQ(scene.run("exit 6").exit_code, 6);
  });
}

TEST_P(PoolConformance, row_15_a_forked_executor_that_dies_loses_only_its_task) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto parent = scene.make_template();
    const auto executor = scene.make_executor(forked_from(parent));
    ASSERT_TRUE(scene.host->run(executor, scene.shell("touch began; sleep 1000")));
    ASSERT_TRUE(scene.wait_for_file("began"));
    ::kill(scene.host->executor_pid(executor), SIGKILL);
    ASSERT_TRUE(scene.wait_until([&] { return scene.events.died.count(executor) > 0; }));
    EXPECT_EQ(scene.wait_report().outcome, Outcome::executor_lost);
    EXPECT_TRUE(scene.events.dead_templates.empty());
    scene.executor = scene.make_executor(forked_from(parent));
    EXPECT_EQ(scene.run("exit 6").exit_code, 6);
  });
}

TEST_P(PoolConformance, row_07_the_nurserys_death_takes_templates_along) {
  run_as(GetParam(), [] {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    Scene scene;
    const auto executor = scene.make_executor(forked_from(scene.make_template()));
    ASSERT_TRUE(scene.host->run(executor, scene.shell("touch began; sleep 1000")));
    ASSERT_TRUE(scene.wait_for_file("began"));
    const auto killed = Clock::now();
    ::kill(scene.nursery(), SIGKILL);
    ASSERT_TRUE(scene.wait_until([&] { return scene.events.failed.has_value(); }));
    EXPECT_EQ(scene.wait_report().outcome, Outcome::executor_lost);
    EXPECT_EQ(scene.events.dead_templates.size(), 1U);
    while (::waitpid(-1, nullptr, 0) > 0) {  // all orphans are this process's children now
    }
    EXPECT_LT(Clock::now() - killed, seconds(2));
  });
}

}  // namespace
}  // namespace kiln::worker
