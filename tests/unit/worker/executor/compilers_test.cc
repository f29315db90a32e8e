// Real programs, held and executed, in a root that is the machine's own. KILN_TEST_ROOT names
// another one: that of a system whose C library is of another version.
#include <cstdlib>
#include <utility>

#include "tests/unit/worker/executor/scene.h"

namespace kiln::worker {
namespace {

namespace fs = std::filesystem;

std::string toolchain_root() {
  const char* given = std::getenv("KILN_TEST_ROOT");
  return given != nullptr ? given : "/";
}

// Not below the toolchain's tree, which may be the machine's: overlay refuses that.
class Inputs {
 public:
  Inputs() {
    std::string name = "/dev/shm/kiln-test.XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) path = name;
    fs::create_directories(path / "build");
    fs::permissions(path, fs::perms(0755));
  }
  ~Inputs() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  Inputs(const Inputs&) = delete;
  Inputs& operator=(const Inputs&) = delete;

  fs::path path;
};

struct Call {
  std::string program;
  std::vector<std::string> arguments;
};

constexpr const char* kSource =
    "#include <stdio.h>\n#include <stddef.h>\nstatic int twice(int x) { return 2 * x; }\n"
    "int main(int argc, char** argv) { printf(\"%d %s\\n\", twice(argc), argv[0]); return 0; }\n";
constexpr const char* kSourceOfCpp =
    "#include <map>\n#include <string>\nint main() { std::map<std::string, int> m{{\"a\", 1}};"
    " return m.at(\"a\"); }\n";

RunRequest request_of(const Inputs& inputs, const Call& call) {
  RunRequest request;
  request.program = call.program;
  request.argv = call.arguments;
  request.argv.insert(request.argv.begin(), call.program);
  request.environment = {{"PATH", "/usr/bin:/bin"}};
  request.cwd = "/build";
  request.lowers = {inputs.path, toolchain_root()};
  request.outputs = {"/build/out.o"};
  return request;
}

// Both executors of a scene: one holds the program, the other executes it.
void expect_same(Scene& scene, ExecutorId holder, const Inputs& inputs, const Call& call) {
  const auto request = request_of(inputs, call);
  const auto executed = scene.run(request);
  std::swap(scene.executor, holder);
  const auto forked = scene.run(request);
  std::swap(scene.executor, holder);
  EXPECT_EQ(executed.outcome, Outcome::exited) << executed.message;
  EXPECT_EQ(forked.outcome, Outcome::exited) << forked.message;
  EXPECT_FALSE(executed.forked);
  EXPECT_TRUE(forked.forked) << scene.host->held(holder).at(0).problem;
  EXPECT_EQ(executed.exit_code, 0) << err(executed) << executed.message;
  EXPECT_EQ(forked.exit_code, 0) << err(forked) << forked.message;
  EXPECT_EQ(out(forked), out(executed));
  EXPECT_EQ(err(forked), err(executed));
  EXPECT_GT(output(forked, "/build/out.o").size(), 90U);
  EXPECT_TRUE(output(forked, "/build/out.o") == output(executed, "/build/out.o"))
      << call.program << " " << call.arguments.at(0) << ": the objects differ";
}

// Held, in an executor of its own.
ExecutorId holder_of(Scene& scene, const std::string& program) {
  ExecutorSpec spec;
  spec.held = {{{toolchain_root()}, program}};
  const auto id = scene.make_executor(spec);
  EXPECT_EQ(scene.host->held(id).at(0).problem, "") << program;
  return id;
}

class Compilers : public testing::Test {
 protected:
  static void compile(const std::string& program, const std::string& suffix) {
    run_as(As::itself, [&] {
      const Inputs inputs;
      Scene scene;
      write_text(inputs.path / "build/a.c", kSource);
      write_text(inputs.path / "build/a.cc", kSourceOfCpp);
      const auto holder = holder_of(scene, program);
      for (const std::vector<std::string>& options :
           {std::vector<std::string>{"-O0"}, {"-O2", "-g"}}) {
        Call call{program, options};
        call.arguments.insert(call.arguments.end(), {"-c", "a" + suffix, "-o", "out.o"});
        expect_same(scene, holder, inputs, call);
      }
    });
  }
};

TEST_F(Compilers, clang_gives_the_same_objects_held_and_executed) {
  compile("/usr/bin/clang", ".c");
}

TEST_F(Compilers, clang_plus_plus_gives_the_same_objects_held_and_executed) {
  compile("/usr/bin/clang++", ".cc");
}

TEST_F(Compilers, gcc_gives_the_same_objects_held_and_executed) {
  compile("/usr/bin/gcc", ".c");
}

TEST_F(Compilers, python_does_the_same_held_and_executed) {
  run_as(As::itself, [] {
    const Inputs inputs;
    Scene scene;
    const auto holder = holder_of(scene, "/usr/bin/python3");
    expect_same(scene, holder, inputs,
                {"/usr/bin/python3",
                 {"-c",
                  "import os, re, sys; print(sys.argv, os.getcwd(), sys.executable,"
                  " sys.prefix, dict(os.environ)); open('out.o', 'w').write('x' * 100)",
                  "one", "two"}});
  });
}

}  // namespace
}  // namespace kiln::worker
