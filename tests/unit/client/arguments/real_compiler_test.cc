// Against the compilers of this machine: what they write is what was declared, and what is added
// for a terminal changes no object.
#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>

#include "client/arguments/classify.h"
#include "client/arguments/environment.h"
#include "common/base/child_process.h"
#include "common/base/files.h"
#include "tests/unit/client/written_directory.h"

namespace kiln::client {
namespace {

using Words = std::vector<std::string>;

class RealCompilerTest : public testing::TestWithParam<CompilerFamily> {
 protected:
  RealCompilerTest() {
    directory_.write("a.c", "int f(int x) { int unused; if (x) return 1; return 0; }\n");
    directory_.write("sub/b.c", "int g(void) { return 2; }\n");
    std::filesystem::create_directory(directory_.path() + "/out");
  }

  CompilerCall call(const std::string& line) const {
    CompilerCall result;
    result.argv = {compiler()};
    std::istringstream stream(line);
    for (std::string word; stream >> word;) result.argv.push_back(word);
    result.program = "/usr/bin/" + compiler();
    result.cwd = directory_.path();
    result.environment = {{"PATH", "/usr/bin:/bin"}, {"TERM", "xterm"}};
    result.family = GetParam();
    return result;
  }

  static std::string compiler() { return GetParam() == CompilerFamily::gcc ? "gcc" : "clang"; }

  CommandOutput run(const CompilerCall& call, const Words& more = {}) const {
    CommandSpec spec;
    spec.program = call.program;
    spec.argv = call.argv;
    spec.argv.insert(spec.argv.end(), more.begin(), more.end());
    spec.environment = call.environment;
    spec.cwd = call.cwd;
    auto output = run_command(spec);
    EXPECT_TRUE(output.has_value());
    return output ? *output : CommandOutput{};
  }

  std::vector<std::string> files_there() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path())) {
      if (entry.is_regular_file() && entry.path().extension() != ".c") {
        names.push_back(entry.path().string());
      }
    }
    return names;
  }

  WrittenDirectory directory_;
  RealFileSystem files_;
};

TEST_P(RealCompilerTest, WritesOnlyDeclaredOutputs) {
  for (const char* line :
       {"-c a.c", "-S a.c", "-c sub/b.c -MD", "-c a.c -o out/x.y.o -MMD", "-c a.c -o out/x -MD",
        "-S a.c -o out/x.s -MD -MF out/deps", "-c --coverage -g -gsplit-dwarf -MD a.c -o out/x.o",
        "-c --coverage sub/b.c", "-S --coverage -gsplit-dwarf -g a.c -o out/z.s",
        "-c a.c sub/b.c -MD -g -gsplit-dwarf --coverage", "-c a.c -Wp,-MMD,out/w.d",
        "-c -fprofile-arcs -ftest-coverage a.c -o out/p.o", "-c -flto a.c -MD -MP -MT x"}) {
    const CompilerCall compile = call(line);
    const auto classification = classify(compile, files_);
    ASSERT_TRUE(std::holds_alternative<Remote>(classification)) << line;
    std::vector<std::string> declared;
    for (const CompileUnit& unit : std::get<Remote>(classification).units) {
      declared.insert(declared.end(), unit.outputs.begin(), unit.outputs.end());
      EXPECT_FALSE(std::filesystem::exists(unit.object)) << line;
    }
    EXPECT_TRUE(run(compile).succeeded()) << line;
    for (const CompileUnit& unit : std::get<Remote>(classification).units) {
      EXPECT_TRUE(std::filesystem::exists(unit.object)) << line;
      EXPECT_TRUE(unit.depfile.empty() || std::filesystem::exists(unit.depfile)) << line;
    }
    for (const std::string& name : files_there()) {
      EXPECT_NE(std::find(declared.begin(), declared.end(), name), declared.end())
          << line << " wrote " << name;
      std::filesystem::remove(name);
    }
  }
}

std::string version_of(const CompilerCall& call) {
  CommandSpec spec;
  spec.program = call.program;
  spec.argv = {call.program, "--version"};
  const auto output = run_command(spec);
  EXPECT_TRUE(output && output->succeeded());
  return output ? output->stdout_text.substr(0, output->stdout_text.find('\n')) : "";
}

TEST_P(RealCompilerTest, ColoursForATerminalChangeNoObject) {
  for (const char* flags : {"-g", "-O2", "-g3 -gsplit-dwarf", "-g -frecord-gcc-switches",
                            "-g -grecord-gcc-switches", "-S -fverbose-asm"}) {
    const CompilerCall compile = call(std::string("-c a.c -Wall -o out/x.o ") + flags);
    const auto unit = std::get<Remote>(classify(compile, files_)).units.at(0);
    const CommandOutput plain = run(compile);
    const auto plain_object = read_file(unit.object);
    const Words more = terminal_arguments(compile, unit, version_of(compile));
    const CommandOutput coloured = run(compile, more);
    const auto coloured_object = read_file(unit.object);
    ASSERT_TRUE(plain_object && coloured_object);
    EXPECT_EQ(*plain_object, *coloured_object) << flags;
    EXPECT_EQ(plain.stderr_text.find('\x1b'), std::string::npos);
    EXPECT_EQ(coloured.stderr_text.find('\x1b') == std::string::npos, more.empty()) << flags;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, RealCompilerTest,
                         testing::Values(CompilerFamily::gcc, CompilerFamily::clang),
                         [](const auto& family) {
                           return family.param == CompilerFamily::gcc ? "gcc" : "clang";
                         });

}  // namespace
}  // namespace kiln::client
