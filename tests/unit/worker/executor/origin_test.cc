// Held programs whose loader asks /proc where they lie, to find their libraries beside them.
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include <unistd.h>

#include "tests/unit/worker/executor/scene.h"

namespace kiln::worker {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLibrary =
    "#include <dirent.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>\n"
    "int seen, others;\n"
    "__attribute__((constructor)) static void look(void) {\n"
    "  DIR* proc = opendir(\"/proc\");\n"
    "  for (struct dirent* one; proc && (one = readdir(proc));) {\n"
    "    const int pid = atoi(one->d_name);\n"
    "    if (pid == getpid()) ++seen; else if (pid > 0) ++others;\n"
    "  }\n"
    "  if (proc) closedir(proc);\n"
    "}\n";
constexpr const char* kProgram =
    "#include <stdio.h>\nextern int seen, others;\n"
    "int main(void) { printf(\"itself %d others %d\\n\", seen, others); return 0; }\n";

void must_run(const std::string& command) {
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

// In the scene's toolchain: /own/bin/program, which needs /own/lib/libown.so.
void make_program(const Scene& scene) {
  const auto own = scene.tools() / "own";
  write_text(own / "lib/own.c", kLibrary);
  write_text(own / "bin/program.c", kProgram);
  must_run("cd " + own.string() +
           " && gcc -shared -fPIC -o lib/libown.so lib/own.c"
           " && gcc -o bin/program bin/program.c -Llib -lown -Wl,-rpath,'$ORIGIN/../lib'");
}

ExecutorId hold(Scene& scene, const std::string& program) {
  ExecutorSpec spec;
  spec.held = {{{scene.tools()}, program}};
  const auto holder = scene.make_executor(spec);
  EXPECT_EQ(scene.host->held(holder).at(0).problem, "") << program;
  return holder;
}

// Held and executed.
std::pair<RunReport, RunReport> run_both(Scene& scene, ExecutorId holder,
                                         const RunRequest& request) {
  auto executed = scene.run(request);
  std::swap(scene.executor, holder);
  auto forked = scene.run(request);
  std::swap(scene.executor, holder);
  EXPECT_FALSE(executed.forked);
  EXPECT_TRUE(forked.forked);
  return {std::move(forked), std::move(executed)};
}

std::string mounts_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/mounts");
  return {std::istreambuf_iterator<char>(file), {}};
}

class OriginTest : public testing::TestWithParam<As> {};
INSTANTIATE_TEST_SUITE_P(Worker, OriginTest, testing::Values(As::itself, As::ordinary_user),
                         as_name);

TEST_P(OriginTest, a_program_that_finds_its_libraries_beside_it_is_held) {
  run_as(GetParam(), [] {
    Scene scene;
    make_program(scene);
    const auto holder = hold(scene, "/own/bin/program");
    auto request = scene.shell("");
    request.program = "/own/bin/program";
    const auto [forked, executed] = run_both(scene, holder, request);
    // A constructor ran in the held root, and sees there what it sees in a task's.
    EXPECT_EQ(out(executed), "itself 1 others 0\n") << err(executed) << executed.message;
    EXPECT_EQ(out(forked), out(executed)) << err(forked) << forked.message;
  });
}

TEST_P(OriginTest, a_toolchain_may_have_anything_by_the_name_of_proc) {
  run_as(GetParam(), [] {
    Scene scene;
    fs::create_directories(scene.tools() / "elsewhere");
    fs::create_symlink("/elsewhere", scene.tools() / "proc");
    hold(scene, "/bin/sh");
    fs::remove(scene.tools() / "proc");
    write_text(scene.tools() / "proc", "a file");
    ExecutorSpec spec;
    spec.held = {{{scene.tools()}, "/bin/sh"}};
    scene.executor = scene.make_executor(spec);
    const auto fact = scene.host->held(scene.executor).at(0);
    EXPECT_NE(fact.problem.find("/proc"), std::string::npos) << fact.problem;
    EXPECT_EQ(scene.run("exit 3").exit_code, 3);
  });
}

TEST_P(OriginTest, holding_leaves_no_mount_that_others_see) {
  run_as(GetParam(), [] {
    Scene scene;
    const auto before = mounts_of(scene.nursery());
    const auto own = mounts_of(::getpid());
    const auto holder = hold(scene, "/bin/sh");
    const auto executor = scene.host->executor_pid(holder);
    const auto inits = children_of(executor);
    ASSERT_EQ(inits.size(), 1U);
    EXPECT_EQ(mounts_of(inits.front()), mounts_of(executor));
    EXPECT_EQ(mounts_of(scene.nursery()), before);
    EXPECT_EQ(mounts_of(::getpid()), own);
  });
}

// The rustc of PATH; none where there is none.
std::vector<fs::path> compilers_of_rust() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access((fs::path(folder) / "rustc").c_str(), X_OK) == 0) {
      return {fs::path(folder) / "rustc"};
    }
  }
  return {};
}

// Where the compiler lies that PATH's starts, which may be rustup's proxy.
fs::path sysroot_of(const fs::path& compiler) {
  std::string root;
  FILE* pipe = ::popen((compiler.string() + " --print sysroot").c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  if (pipe == nullptr) return {};
  for (int byte = std::fgetc(pipe); byte > ' '; byte = std::fgetc(pipe)) {
    root += static_cast<char>(byte);
  }
  ::pclose(pipe);
  return root;
}

class Rust : public testing::TestWithParam<fs::path> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Rust);
INSTANTIATE_TEST_SUITE_P(Machine, Rust, testing::ValuesIn(compilers_of_rust()),
                         [](const auto&) { return "its_own"; });

TEST_P(Rust, objects_are_the_same_held_and_executed) {
  run_as(As::itself, [] {
    Scene scene;
    const auto sysroot = sysroot_of(GetParam());
    const auto rust = scene.tools() / "rust";
    fs::create_directories(rust / "bin");
    const auto program = (sysroot / "bin/rustc").string();
    must_run("cp " + program + " " + (rust / "bin").string());
    const auto libraries = (sysroot / "lib").string() + " " + rust.string();
    must_run("cp -rl " + libraries + " 2>/dev/null || cp -r " + libraries);
    must_run("cd " + scene.tools().string() + " && for file in $(ldd " + program +
             " | grep -o '/[^ ]*' | grep -v '^" + sysroot.string() + "');" +
             " do mkdir -p .$(dirname $file) && cp -nL $file .$file; done");
    write_text(scene.inputs() / "build/a.rs",
               "pub fn twice(x: u32) -> String { (2 * x).to_string() }\n"
               "fn unused() {}\n");
    const auto holder = hold(scene, "/rust/bin/rustc");
    auto request = scene.shell("");
    request.program = "/rust/bin/rustc";
    request.argv = {"rustc", "--crate-type=lib", "--emit=obj", "-o", "out.o", "a.rs"};
    request.outputs = {"/build/out.o"};
    for (const std::string optimisation : {"-Copt-level=0", "-Copt-level=2"}) {
      request.argv.push_back(optimisation);
      const auto [forked, executed] = run_both(scene, holder, request);
      EXPECT_EQ(executed.exit_code, 0) << executed.message;
      EXPECT_EQ(forked.exit_code, 0) << forked.message;
      EXPECT_NE(err(executed).find("never used"), std::string::npos) << err(executed);
      EXPECT_EQ(err(forked), err(executed));
      EXPECT_GT(output(executed, "/build/out.o").size(), 90U);
      EXPECT_TRUE(output(forked, "/build/out.o") == output(executed, "/build/out.o"));
    }
  });
}

}  // namespace
}  // namespace kiln::worker
