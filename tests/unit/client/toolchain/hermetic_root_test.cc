// The packaged trees of the real gcc and clang, used as a root: the compile in it must equal the
// one outside, byte for byte.
#include "tests/unit/client/toolchain/hermetic_root.h"

#include <chrono>
#include <filesystem>

#include <gtest/gtest.h>

#include "client/toolchain/toolchain_cache.h"
#include "common/base/child_process.h"

namespace kiln::client {
namespace {

class HermeticRootTest : public testing::Test {
 protected:
  ToolchainAnswer find(const std::string& command, bool is_compiler = true) {
    ToolchainQuery query;
    query.command = command;
    query.cwd = "/";
    query.environment = environment_;
    query.is_compiler = is_compiler;
    auto answer = cache_.find(query);
    EXPECT_TRUE(answer) << answer.error().message;
    if (answer && !answer->toolchain) ADD_FAILURE() << answer->explanation;
    return answer.value_or(ToolchainAnswer{});
  }

  // Compiles `source` outside and inside; returns the outcome outside.
  ProbeOutcome compile_twice(const Toolchain& toolchain, const ProbeSource& source,
                             const std::vector<std::string>& headers = {}) {
    auto directory = ProbeDirectory::create(scratch_.string(), source);
    EXPECT_TRUE(directory);
    const auto local =
        run_locally(toolchain.program, toolchain.program, environment_, source, *directory);
    EXPECT_TRUE(local);
    HermeticRoot root(toolchain);
    for (const auto& path : headers) root.show(path);
    root.show(directory->path().string());
    const auto remote = root.run(toolchain.program, source.arguments, environment_,
                                 directory->path().string(), directory->object_path().string());
    const Status same = compare(*local, remote);
    EXPECT_TRUE(same) << same.error().message;
    return *local;
  }

  void report(const std::string& command) {
    const auto start = Clock::now();
    const auto cold = find(command);
    const auto middle = Clock::now();
    find(command);
    const auto end = Clock::now();
    if (!cold.toolchain) return;
    FileDigestCache nothing_hashed(files_);
    ToolchainCache restarted(scratch_ / "cache", files_, nothing_hashed);
    ToolchainQuery query;
    query.command = command;
    query.cwd = "/";
    query.environment = environment_;
    EXPECT_TRUE(restarted.find(query));
    EXPECT_EQ(nothing_hashed.computed(), 0U);
    RecordProperty("restarted_seconds", std::to_string(in_seconds(Clock::now() - end)));
    RecordProperty("files", std::to_string(cold.toolchain->file_count));
    RecordProperty("bytes", std::to_string(cold.toolchain->size_bytes));
    RecordProperty("cold_seconds", std::to_string(in_seconds(middle - start)));
    RecordProperty("cached_seconds", std::to_string(in_seconds(end - middle)));
  }

  void run_probes(const std::string& command) {
    report(command);
    const auto answer = find(command);
    ASSERT_TRUE(answer.toolchain);
    for (const Language language : {Language::c, Language::cxx}) {
      for (const auto& source : probe_sources(*answer.toolchain->family, language)) {
        const auto outcome = compile_twice(*answer.toolchain, source);
        EXPECT_NE(outcome.diagnostics.find("unused_by_probe"), std::string::npos);
      }
    }
  }

  TemporaryDirectory scratch_;
  Environment environment_ = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C.UTF-8"}};
  RealFileSystem files_;
  FileDigestCache digests_{files_};
  ToolchainCache cache_{scratch_ / "cache", files_, digests_};
};

const ProbeSource kWithHeaders = {
    "full.cc",
    "#include <iostream>\n#include <vector>\n#include <stdarg.h>\n"
    "int main() { std::vector<int> v(3); int spare; std::cout << v.size(); }\n",
    {"-O2", "-g", "-Wall", "-c", "full.cc", "-o", "full.cc.o"}};

TEST_F(HermeticRootTest, gcc_compiles_the_probes_equally) {
  run_probes("gcc");
}

TEST_F(HermeticRootTest, clang_compiles_the_probes_equally) {
  run_probes("clang");
}

TEST_F(HermeticRootTest, drivers_find_the_headers_that_tasks_bring) {
  const std::vector<std::string> headers = {"/usr/include",
                                            "/usr/lib/gcc/x86_64-linux-gnu/12/include",
                                            "/usr/lib/llvm-14/lib/clang/14.0.6/include"};
  for (const char* command : {"c++", "clang++"}) {
    const auto answer = find(command);
    ASSERT_TRUE(answer.toolchain);
    const auto outcome = compile_twice(*answer.toolchain, kWithHeaders, headers);
    EXPECT_NE(outcome.diagnostics.find("spare"), std::string::npos);
  }
}

TEST_F(HermeticRootTest, clang_starts_the_assembler_of_path) {
  const auto answer = find("clang");
  ASSERT_TRUE(answer.toolchain);
  ProbeSource source = probe_sources(CompilerFamily::clang, Language::c).front();
  source.arguments.insert(source.arguments.begin(), "-fno-integrated-as");
  compile_twice(*answer.toolchain, source);
}

TEST_F(HermeticRootTest, gcc_splits_debug_information_with_objcopy) {
  const auto answer = find("gcc");
  ASSERT_TRUE(answer.toolchain);
  ProbeSource source = probe_sources(CompilerFamily::gcc, Language::c).front();
  source.arguments.insert(source.arguments.begin(), "-gsplit-dwarf");
  compile_twice(*answer.toolchain, source);
}

TEST_F(HermeticRootTest, quotes_are_those_of_the_locale) {
  const ProbeSource source = probe_sources(CompilerFamily::gcc, Language::c).front();
  const auto quoted = compile_twice(*find("gcc").toolchain, source);
  EXPECT_NE(quoted.diagnostics.find("‘unused_by_probe’"), std::string::npos);
  environment_ = {{"PATH", "/usr/bin:/bin"}};
  const auto plain = compile_twice(*find("gcc").toolchain, source);
  EXPECT_NE(plain.diagnostics.find("'unused_by_probe'"), std::string::npos);
}

TEST_F(HermeticRootTest, messages_are_in_the_callers_language) {
  CommandSpec spec;
  spec.program = "/usr/bin/localedef";
  spec.argv = {"localedef", "-i", "de_DE", "-f", "UTF-8", (scratch_ / "de_DE.UTF-8").string()};
  const auto made = run_command(spec);
  ASSERT_TRUE(made && made->succeeded()) << "the package locales is needed";
  environment_ = {
      {"PATH", "/usr/bin:/bin"}, {"LANG", "de_DE.UTF-8"}, {"LOCPATH", scratch_.string()}};
  const ProbeSource source = probe_sources(CompilerFamily::gcc, Language::c).front();
  const auto outcome = compile_twice(*find("gcc").toolchain, source);
  EXPECT_NE(outcome.diagnostics.find("Warnung"), std::string::npos)
      << "the package gcc-12-locales is needed; said: " << outcome.diagnostics;
}

TEST_F(HermeticRootTest, a_program_runs_with_its_libraries) {
  const auto answer = find("sort", false);
  ASSERT_TRUE(answer.toolchain);
  EXPECT_FALSE(answer.toolchain->family);
  const auto directory = ProbeDirectory::create(scratch_.string(), {"input", "b\na\n", {}});
  ASSERT_TRUE(directory);
  HermeticRoot root(*answer.toolchain);
  root.show(directory->path().string());
  const auto outcome =
      root.run(answer.program, {"-o", "sorted", "input"}, environment_, directory->path().string(),
               (directory->path() / "sorted").string());
  EXPECT_EQ(outcome.exit_code, 0) << outcome.diagnostics;
  EXPECT_EQ(outcome.object, "a\nb\n");
}

}  // namespace
}  // namespace kiln::client
