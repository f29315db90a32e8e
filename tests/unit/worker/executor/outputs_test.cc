// What comes back of a task, and what does not.
#include <sys/stat.h>

#include "tests/unit/worker/executor/scene.h"

namespace kiln::worker {
namespace {

namespace fs = std::filesystem;

class Outputs : public testing::TestWithParam<As> {};
INSTANTIATE_TEST_SUITE_P(Worker, Outputs, testing::Values(As::itself, As::ordinary_user), as_name);

RunReport run_with_outputs(Scene& scene, const std::string& script,
                           const std::vector<std::string>& outputs) {
  auto request = scene.shell(script);
  request.outputs = outputs;
  return scene.run(request);
}

TEST_P(Outputs, come_back_with_their_modes) {
  run_as(GetParam(), [] {
    Scene scene;
    fs::create_directories(scene.inputs() / "out/deep");
    const auto report = run_with_outputs(
        scene, "echo object >/out/deep/a.o; echo program >p; chmod 755 p; echo no >undeclared",
        {"/out/deep/a.o", "/build/p", "/build/never.d"});
    const auto collected = collect_outputs(report.upper(), report.outputs);
    ASSERT_TRUE(collected) << collected.error().message;
    ASSERT_EQ(collected->size(), 2U) << err(report);
    EXPECT_EQ(collected->at(0).path, "/out/deep/a.o");
    EXPECT_EQ(collected->at(0).mode, 0644U);
    EXPECT_EQ(collected->at(0).size, 7U);
    EXPECT_EQ(collected->at(1).mode, 0755U);
    EXPECT_TRUE(release(report.workspace));
    EXPECT_FALSE(fs::exists(report.workspace));
    EXPECT_EQ(output(report, "/build/p").substr(0, 5), "error");
  });
}

TEST_P(Outputs, survive_the_release_once_collected) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto report = run_with_outputs(scene, "echo kept >o; chmod 0 o", {"/build/o"});
    const auto collected = collect_outputs(report.upper(), report.outputs);
    ASSERT_TRUE(collected) << collected.error().message;
    ASSERT_TRUE(release(report.workspace));
    EXPECT_EQ(collected->at(0).mode, 0U);
    std::string text(5, ' ');
    EXPECT_EQ(::pread(collected->at(0).file.get(), text.data(), 5, 0), 5);
    EXPECT_EQ(text, "kept\n");
  });
}

TEST_P(Outputs, are_found_through_links_of_the_input_tree) {
  run_as(GetParam(), [] {
    Scene scene;
    fs::create_directories(scene.inputs() / "data/home");
    fs::create_symlink("/data/home", scene.inputs() / "home");
    const auto report = run_with_outputs(scene, "echo x >/home/a.o", {"/home/a.o"});
    EXPECT_EQ(output(report, "/home/a.o"), "x\n") << err(report);
  });
}

TEST_P(Outputs, in_a_missing_directory_fail_as_locally) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto report = run_with_outputs(scene, "echo x >missing/a.o", {"/build/missing/a.o"});
    EXPECT_NE(report.exit_code, 0);
    EXPECT_TRUE(report.outputs.empty());
  });
}

TEST_P(Outputs, that_are_unchanged_inputs_do_not_come_back) {
  run_as(GetParam(), [] {
    Scene scene;
    write_text(scene.inputs() / "build/old.o", "old");
    const auto report = run_with_outputs(scene, "cat old.o", {"/build/old.o"});
    EXPECT_EQ(output(report, "/build/old.o"), "(none)");
  });
}

TEST_P(Outputs, that_became_links_stay_there) {
  run_as(GetParam(), [] {
    Scene scene;
    auto report = run_with_outputs(scene, "ln -s /etc/passwd a.o", {"/build/a.o"});
    EXPECT_EQ(output(report, "/build/a.o"), "(none)");
    EXPECT_EQ(report.outcome, Outcome::exited);
    report = run_with_outputs(scene, "mv /build /tmp/b; ln -s /proc/1 /build; ls /build/",
                              {"/build/status"});
    EXPECT_TRUE(report.outputs.empty());
  });
}

TEST_P(Outputs, of_other_kinds_stay_there_without_blocking_or_hiding_the_rest) {
  run_as(GetParam(), [] {
    Scene scene;
    auto report =
        run_with_outputs(scene, "mkfifo a.o; echo d >a.d; exit 3", {"/build/a.o", "/build/a.d"});
    EXPECT_EQ(output(report, "/build/a.o"), "(none)");
    EXPECT_EQ(output(report, "/build/a.d"), "d\n");
    EXPECT_EQ(report.exit_code, 3);
    report = run_with_outputs(scene, "mkdir a.o", {"/build/a.o"});
    EXPECT_EQ(output(report, "/build/a.o"), "(none)");
    report = run_with_outputs(scene, "true", {"/dev/null", "/proc/1/status", "/"});
    EXPECT_EQ(report.outcome, Outcome::exited);
  });
}

// The upper directory is the task's: whatever its report says must not lead out of it.
TEST(CollectOutputs, never_leaves_the_upper_directory) {
  const TestDirectory directory;
  write_text(directory.path() / "outside", "secret");
  fs::create_directories(directory.path() / "upper/d");
  fs::create_directory_symlink("../..", directory.path() / "upper/d/up");
  fs::create_directory_symlink(directory.path(), directory.path() / "upper/absolute");
  for (const auto* path : {"../outside", "d/up/outside", "absolute/outside", "/etc/passwd"}) {
    const auto collected =
        collect_outputs(directory.path() / "upper", {WrittenOutput{"declared", path, S_IFREG, 6}});
    EXPECT_FALSE(collected && !collected->empty()) << path;
  }
}

}  // namespace
}  // namespace kiln::worker
