// Against the compilers of this machine: whatever strace sees a compile open is in the listing, and
// the listing makes a tree.
#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "client/inputs/tree_builder.h"
#include "client/lister/files_mode_lister.h"
#include "common/base/files.h"
#include "tests/unit/client/written_directory.h"

namespace kiln::client {
namespace {

using Words = std::vector<std::string>;
namespace fs = std::filesystem;

// strace writes bytes that are not printable ASCII as octal numbers.
std::string unescape(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      plain += text[i];
      continue;
    }
    std::size_t end = i + 1;
    while (end < text.size() && end < i + 4 && text[end] >= '0' && text[end] <= '7') ++end;
    if (end > i + 1) {
      plain += static_cast<char>(std::stoi(text.substr(i + 1, end - i - 1), nullptr, 8));
      i = end - 1;
    } else if (++i < text.size()) {
      plain += text[i];
    }
  }
  return plain;
}

class RealListerTest : public testing::TestWithParam<const char*> {
 protected:
  CompilerCall call(const std::string& compiler, const Words& arguments) const {
    CompilerCall result;
    result.program = "/usr/bin/" + compiler;
    result.argv = {compiler};
    result.argv.insert(result.argv.end(), arguments.begin(), arguments.end());
    result.cwd = directory_.path();
    result.environment = environment_;
    result.environment.emplace_back("PATH", "/usr/bin:/bin");
    result.family = compiler.starts_with("clang") ? CompilerFamily::clang : CompilerFamily::gcc;
    return result;
  }

  std::string c() const { return GetParam(); }
  std::string cxx() const { return c() == "gcc" ? "g++" : "clang++"; }

  // Files below the test's directory or an include directory that the compile opens to read.
  std::set<std::string> opened(const CompilerCall& compile) const {
    const std::string trace = directory_.path() + "/trace";
    CommandSpec spec;
    spec.program = "/usr/bin/strace";
    spec.argv = {"strace", "-f",  "-s",           "4096", "-e", "trace=open,openat",
                 "-o",     trace, compile.program};
    spec.argv.insert(spec.argv.end(), compile.argv.begin() + 1, compile.argv.end());
    spec.environment = compile.environment;
    spec.cwd = compile.cwd;
    const auto output = run_command(spec);
    EXPECT_TRUE(output && output->succeeded()) << (output ? output->stderr_text : "");
    std::istringstream lines(*read_file(trace));
    std::set<std::string> paths;
    for (std::string line; std::getline(lines, line);) note_open(line, paths);
    return paths;
  }

  void note_open(const std::string& line, std::set<std::string>& paths) const {
    const std::size_t begin = line.find('"');
    const std::size_t end = line.rfind('"');
    if (begin == std::string::npos || line.find("= -1 ") != std::string::npos) return;
    const std::string flags = line.substr(end);
    if (flags.find("O_WRONLY") != std::string::npos || flags.find("O_CREAT") != std::string::npos ||
        flags.find("O_DIRECTORY") != std::string::npos) {
      return;
    }
    const fs::path path = canonical(unescape(line.substr(begin + 1, end - begin - 1)));
    const std::string text = path.string();
    // clang's driver looks at any CUDA installation, whatever it compiles.
    if (text.find("/cuda") != std::string::npos) return;
    const bool ours =
        text.starts_with(directory_.path() + "/") || text.find("/include/") != std::string::npos;
    if (ours && fs::is_regular_file(path) && path.extension() != ".o") paths.insert(text);
  }

  fs::path canonical(const std::string& path) const {
    std::error_code code;
    fs::path result = fs::canonical(absolute_path(directory_.path(), path), code);
    return code ? fs::path(path) : result;
  }

  // Fails unless the listing holds all that the compile opens.
  void expect_complete(const std::string& compiler, const Words& arguments) {
    const CompilerCall compile = call(compiler, arguments);
    const auto classification = classify(compile, files_);
    ASSERT_TRUE(std::holds_alternative<Remote>(classification))
        << std::get<Local>(classification).reason;
    const auto outcome = lister_.list(std::get<Remote>(classification).units.at(0), compile);
    ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
    ASSERT_TRUE(std::holds_alternative<Listing>(*outcome)) << std::get<Local>(*outcome).reason;
    const Listing& listing = std::get<Listing>(*outcome);
    std::set<std::string> listed;
    TreeBuilder builder(files_, digests_, compile.cwd);
    for (const std::string& path : listing.files) {
      listed.insert(canonical(path).string());
      EXPECT_TRUE(builder.add_file(path)) << path;
    }
    for (const std::string& path : listing.directories) EXPECT_TRUE(builder.add_directory(path));
    EXPECT_TRUE(builder.finish());
    const std::set<std::string> read = opened(compile);
    EXPECT_GT(read.size(), 0U);
    for (const std::string& path : read) EXPECT_TRUE(listed.contains(path)) << path;
  }

  WrittenDirectory directory_;
  Environment environment_;
  RealFileSystem files_;
  FileDigestCache digests_{files_};
  FilesModeLister lister_{files_, digests_, run_command};
};

TEST_P(RealListerTest, PlainC) {
  directory_.write("a.c", "#include <stdio.h>\n#include <stdlib.h>\n#include <errno.h>\nint x;\n");
  expect_complete(c(), {"-c", "a.c"});
  expect_complete(c(), {"-S", "-O2", "-g", "a.c", "-MD", "-o", "b.s"});
}

TEST_P(RealListerTest, StandardLibraryOfCxx) {
  directory_.write("a.cc",
                   "#include <vector>\n#include <iostream>\n#include <filesystem>\n#include "
                   "<atomic>\n#include <string>\nint main() { std::cout << 1; }\n");
  expect_complete(cxx(), {"-c", "a.cc", "-std=c++17"});
  expect_complete(c(), {"-c", "-x", "c++", "a.cc", "-std=c++20", "-pthread"});
}

TEST_P(RealListerTest, TimeOnTheCommandLineStaysHere) {
  directory_.write("a.c", "const char when[] = WHEN;\n");
  const auto reason = [this](const Words& defines) {
    Words arguments = {"-c", "a.c"};
    arguments.insert(arguments.end(), defines.begin(), defines.end());
    const CompilerCall compile = call(c(), arguments);
    const auto outcome =
        lister_.list(std::get<Remote>(classify(compile, files_)).units.at(0), compile);
    EXPECT_TRUE(outcome.has_value());
    const auto* local = std::get_if<Local>(&*outcome);
    return local == nullptr ? std::string() : local->reason;
  };
  EXPECT_EQ(reason({"-DWHEN=__TIME__"}), "time_macro");
  EXPECT_EQ(reason({"-D", "WHEN=__DATE__ \" \" __TIME__"}), "time_macro");
  EXPECT_EQ(reason({"-DWHEN=__TIMESTAMP__"}), "time_macro");
  directory_.write("args", "-DWHEN=__DATE__");
  EXPECT_EQ(reason({"@args"}), "time_macro");
  EXPECT_EQ(reason({"-DWHEN=\"x\"", "-DHAVE=__has_include(<stdio.h>)"}), "computed_has_include");
  // Builds that take the time out of their objects travel.
  EXPECT_EQ(reason({"-DWHEN=\"x\"", "-Wno-builtin-macro-redefined", "-D__DATE__=\"redacted\"",
                    "-D__TIME__=\"redacted\""}),
            "");
  environment_.emplace_back("SOURCE_DATE_EPOCH", "1");
  EXPECT_EQ(reason({"-DWHEN=__DATE__"}), c() == "gcc" ? "" : "time_macro");
}

TEST_P(RealListerTest, NamesThatMakeHasToQuote) {
  directory_.write("my src/ä ö.c", "#include \"a b.h\"\n#include \"#$x.h\"\n#include \"c:d.h\"\n");
  directory_.write("my src/a b.h", "\n");
  directory_.write("my src/#$x.h", "\n");
  directory_.write("my src/c:d.h", "\n");
  expect_complete(c(), {"-c", "my src/ä ö.c", "-o", "out put.o"});
}

TEST_P(RealListerTest, SymlinksAndParents) {
  directory_.write("real/inc/a.h", "#include \"../up.h\"\n");
  directory_.write("real/up.h", "int up;\n");
  directory_.write("src/a.c", "#include \"a.h\"\n#include \"../real/up.h\"\n");
  fs::create_directory_symlink("../real/inc", directory_.path() + "/src/link");
  fs::create_directory(directory_.path() + "/empty");
  expect_complete(c(), {"-c", "src/a.c", "-I", "src/link/", "-Iempty", "-Imissing"});
}

TEST_P(RealListerTest, ForcedIncludesAndEveryKindOfDirectory) {
  directory_.write("a.c", "#include \"q.h\"\n#include <s.h>\n#include <d.h>\nint x = F + M;\n");
  directory_.write("forced.h", "#define F 1\n");
  directory_.write("macros.h", "#define M 2\n");
  directory_.write("q/q.h", "\n");
  directory_.write("s/s.h", "#include_next <s.h>\n");
  directory_.write("d/s.h", "\n");
  directory_.write("d/d.h", "\n");
  expect_complete(c(), {"-c", "a.c", "-include", "forced.h", "-imacros", "macros.h", "-iquote", "q",
                        "-isystem", "s", "-idirafter", "d"});
}

TEST_P(RealListerTest, NestedResponseFiles) {
  directory_.write("a.c", "#include \"h.h\"\n");
  directory_.write("inc/h.h", "\n");
  directory_.write("outer", "-c @inner -o a.o");
  directory_.write("inner", "'a.c' \"-Iinc\"");
  expect_complete(c(), {"@outer"});
}

TEST_P(RealListerTest, IncludeVariables) {
  directory_.write("a.c", "#include <one.h>\n#include <two.h>\n");
  directory_.write("i1/one.h", "\n");
  directory_.write("i2/two.h", "\n");
  environment_ = {{"CPATH", "i1"}, {"C_INCLUDE_PATH", "i2"}, {"LC_ALL", "C.UTF-8"}};
  expect_complete(c(), {"-c", "a.c"});
}

TEST_P(RealListerTest, HasIncludeOfTheProject) {
  directory_.write("a.cc",
                   "#define HAVE(x) __has_include(x)\n"
                   "#if __has_include(\"opt/a.h\") && HAVE(<b.h>) && __has_include(<optional>)\n"
                   "int x;\n#endif\n");
  directory_.write("opt/a.h", "\n");
  directory_.write("inc/b.h", "\n");
  expect_complete(cxx(), {"-c", "a.cc", "-Iinc", "-std=c++17"});
}

TEST_P(RealListerTest, HeadersThatAreTakenForOneAnother) {
  directory_.write("a.c",
                   "#include \"t1/once.h\"\n#include <once.h>\n#include \"t3.h\"\nint x = T;\n");
  directory_.write("t1/once.h", "#pragma once\n#define T 1\n");
  directory_.write("t2/once.h", "#pragma once\n#define T 1\n");
  fs::create_hard_link(directory_.path() + "/t1/once.h", directory_.path() + "/t3.h");
  expect_complete(c(), {"-c", "a.c", "-It2"});
}

TEST_P(RealListerTest, FilesThatOnlyCaretsShow) {
  directory_.write("a.c", "#line 1 \"grammar.y\"\nint f(void) { int unused; return 0; }\n");
  directory_.write("grammar.y", "int f(void) { int unused; return 0; }\n");
  expect_complete(c(), {"-c", "a.c", "-Wall"});
}

TEST_P(RealListerTest, OutputsOfEveryKindAreNotMadeByAsking) {
  directory_.write("a.c", "int x;\n");
  const CompilerCall compile = call(c(), {"-c", "a.c", "-o", "o.o", "-MD", "-MF", "o.d",
                                          "--coverage", "-g", "-gsplit-dwarf", "-Wp,-MMD,k.d2"});
  CompileUnit unit;
  unit.expanded = compile.argv;
  const auto outcome = lister_.list(unit, compile);
  ASSERT_TRUE(outcome && std::holds_alternative<Listing>(*outcome));
  for (const auto& entry : fs::directory_iterator(directory_.path())) {
    EXPECT_EQ(entry.path().filename(), "a.c");
  }
}

TEST_P(RealListerTest, AMissingHeaderIsTheCompilersBusiness) {
  directory_.write("a.c", "#include \"missing.h\"\n");
  const CompilerCall compile = call(c(), {"-c", "a.c"});
  const auto unit = std::get<Remote>(classify(compile, files_)).units.at(0);
  const auto outcome = lister_.list(unit, compile);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(std::get<Local>(*outcome).reason, "lister_failed");
}

INSTANTIATE_TEST_SUITE_P(Compilers, RealListerTest, testing::Values("gcc", "clang"),
                         [](const auto& name) { return std::string(name.param); });

}  // namespace
}  // namespace kiln::client
