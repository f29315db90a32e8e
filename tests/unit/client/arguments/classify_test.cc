#include "client/arguments/classify.h"

#include <sstream>

#include <gtest/gtest.h>

#include "tests/unit/client/fake_file_system.h"

namespace kiln::client {
namespace {

using Words = std::vector<std::string>;

Words words(const std::string& text) {
  std::istringstream stream(text);
  return Words(std::istream_iterator<std::string>(stream), {});
}

class ClassifyTest : public testing::Test {
 protected:
  ClassifyTest() {
    for (const char* name : {"a.c", "b.c", "x.cc", "x.h", "m.m", "s.s", "t.S", "p.i", "f.f90",
                             "mod.cppm", "with space.c", "-dash.c", "o.o"}) {
      files_.add_file(std::string("/w/") + name, "int x;");
    }
    files_.add_directory("/w/out");
  }

  Classification classify_words(const Words& argv) {
    CompilerCall call;
    call.argv = argv;
    call.program = "/usr/bin/gcc";
    call.cwd = "/w";
    call.environment = environment_;
    call.family = family_;
    return classify(call, files_);
  }

  // "remote", or the reason for a local run; "reason?" when it wants no slot.
  std::string verdict(const std::string& line) {
    const Classification result = classify_words(words(line));
    if (const auto* local = std::get_if<Local>(&result)) {
      return local->reason + (local->wants_slot ? "" : "?");
    }
    return "remote";
  }

  Remote remote(const std::string& line) {
    const Classification result = classify_words(words(line));
    const auto* local = std::get_if<Local>(&result);
    EXPECT_EQ(local, nullptr) << line << ": " << (local != nullptr ? local->reason : "");
    return local != nullptr ? Remote{} : std::get<Remote>(result);
  }

  FakeFileSystem files_;
  Environment environment_;
  CompilerFamily family_ = CompilerFamily::gcc;
};

struct Row {
  const char* line;
  const char* verdict;
};

TEST_F(ClassifyTest, OrdinaryCompilesTravel) {
  for (const char* line :
       {"gcc -c a.c", "gcc -S a.c", "gcc -c a.c -o out/a.o -O2 -g -Wall -Wextra -std=c11",
        "g++ -c x.cc -fPIC -fvisibility=hidden -fno-exceptions -std=gnu++20 -pthread",
        "gcc -c a.c -DX=1 -D Y -UX -I. -I out -iquote q -isystem s -idirafter d",
        "gcc -c a.c -include x.h -imacros x.h -nostdinc --sysroot=/s -isysroot /s",
        "gcc -c -x c++ a.c", "gcc -c a.c -flto -ffat-lto-objects", "gcc -c a.c -flto=auto",
        "gcc -c a.c -march=x86-64-v3 -mtune=generic -mavx2 -m64",
        "gcc -c a.c -fsanitize=address,undefined -fno-sanitize-recover=all",
        "gcc -c a.c -Werror -pedantic -Wunused-macros -Wno-foo -w",
        "gcc -c a.c -Wl,-O1 -L/lib -lm -s -static", "gcc -c a.c -Wa,--noexecstack",
        "gcc -c a.c -ffile-prefix-map=/w=. -frandom-seed=1 --param max-inline=3",
        "clang -c a.c --target=x86_64-linux-gnu -fcolor-diagnostics -Qunused-arguments",
        "gcc -c conftest.c", "gcc -c a.c -fdiagnostics-color=always -H -pipe"}) {
    files_.add_file("/w/conftest.c", "");
    EXPECT_EQ(verdict(line), "remote") << line;
  }
}

constexpr Row kStay[] = {
    {"gcc -E a.c", "preprocess_only"},
    {"gcc -c -M a.c", "preprocess_only"},
    {"gcc -MM a.c", "preprocess_only"},
    {"gcc -fsyntax-only a.c", "syntax_only"},
    {"gcc a.c -o a", "link"},
    {"gcc o.o -o a", "linker_input"},
    {"gcc -c o.o", "linker_input"},
    {"gcc -c -", "stdin"},
    {"gcc -c -x c - -o a.o", "stdin"},
    {"gcc -S a.c -o -", "stdout"},
    {"gcc -c a.c -MD -MF -", "stdout"},
    {"gcc -c a.c @missing", "response_file"},
    {"gcc -c a.c -march=native", "march_native"},
    {"gcc -c a.c -mtune=native", "march_native"},
    {"gcc -c a.c -mcpu=native", "march_native"},
    {"gcc -c a.c -fprofile-generate", "profile"},
    {"gcc -c a.c -fprofile-use=x.gcda", "profile"},
    {"clang -c a.c -fprofile-instr-generate", "profile"},
    {"gcc -c a.c -fprofile-dir=x", "profile"},
    {"gcc -c a.c -fbranch-probabilities", "profile"},
    {"gcc -c a.c -save-temps", "save_temps"},
    {"gcc -c a.c --save-temps=obj", "save_temps"},
    {"gcc -c a.c -fdump-tree-all", "unknown_outputs"},
    {"gcc -c a.c -dP", "unknown_outputs"},
    {"gcc -c a.c -fstack-usage", "unknown_outputs"},
    {"clang -c a.c -ftime-trace", "unknown_outputs"},
    {"clang -c a.c -emit-llvm", "unknown_outputs"},
    {"clang -c a.c -MJ x.json", "unknown_outputs"},
    {"gcc -c a.c -fdiagnostics-format=sarif-file", "unknown_outputs"},
    {"gcc -c a.c -Wa,-ahl=x", "assembler_options"},
    {"gcc -c a.c -Wp,-DX", "preprocessor_options"},
    {"gcc -c a.c -Wp,-MD,x.d,-DX", "preprocessor_options"},
    {"gcc -c a.c -Xpreprocessor -DX", "passed_through"},
    {"clang -c a.c -Xclang -ast-dump", "passed_through"},
    {"clang -c a.c -mllvm -stats", "passed_through"},
    {"gcc -c s.s", "assembler"},
    {"gcc -c t.S", "assembler"},
    {"gcc -c -x assembler a.c", "assembler"},
    {"gcc -c p.i", "preprocessed"},
    {"gcc -c m.m", "unknown_language"},
    {"gcc -c f.f90", "unknown_language"},
    {"clang -c -x cuda a.c", "unknown_language"},
    {"gcc -c x.h", "precompiled_header"},
    {"gcc -c -x c++-header a.c", "precompiled_header"},
    {"clang -c a.c -include-pch x.pch", "precompiled_header"},
    {"clang -c a.c -fmodules", "modules"},
    {"g++ -c x.cc -fmodules-ts", "modules"},
    {"clang++ -c mod.cppm", "modules"},
    {"gcc -c a.c -fplugin=x.so", "plugin"},
    {"clang -c a.c -fpass-plugin=x.so", "plugin"},
    {"gcc -c a.c -v", "verbose"},
    {"gcc -c a.c -B/opt/x", "toolchain_prefix"},
    {"clang -c a.c -arch x86_64 -arch arm64", "several_architectures"},
    {"gcc -c a.c -MF x.d", "depfile_without_rule"},
    {"gcc -c a.c -MD -MG", "depfile_missing_headers"},
    {"gcc -c a.c b.c -o x.o", "several_sources"},
    {"gcc -c a.c -o x.o -o y.o", "several_outputs"},
    {"gcc -c a.c -I-", "split_include_list"},
    {"gcc -c a.c --no-such", "unknown_option"},
    {"gcc -c a.c -fno-such=file", "remote"},
    {"gcc -c a.c -fnew-thing=file", "unknown_option"},
    {"gcc -c a.c -include", "incomplete_option"},
    {"gcc -c missing.c", "source_unreadable"},
    {"gcc -c -x c out", "source_unreadable"},
    {"gcc -c a.c -o out", "special_output"},
    {"gcc -c a.c -o /dev/null", "special_output"},
    {"gcc -c a.c -o missing/a.o", "output_unwritable"},
    {"gcc -c a.c -MD -MF missing/a.d", "output_unwritable"},
    {"gcc -c a.c -MD -o out/.o --coverage", "odd_name"},
};

TEST_F(ClassifyTest, EveryReasonToStay) {
  for (const Row& row : kStay) {
    files_.add_other("/dev/null");
    EXPECT_EQ(verdict(row.line), row.verdict) << row.line;
  }
}

TEST_F(ClassifyTest, QuestionsWantNoSlot) {
  for (const Row& row : std::initializer_list<Row>{{"gcc", "no_input?"},
                                                   {"gcc -v", "no_input?"},
                                                   {"gcc --version", "query?"},
                                                   {"gcc -### -c a.c", "query?"},
                                                   {"gcc -dumpmachine", "query?"},
                                                   {"gcc -print-prog-name=as", "query?"},
                                                   {"clang --print-resource-dir", "query?"},
                                                   {"gcc --help=target", "query?"}}) {
    EXPECT_EQ(verdict(row.line), row.verdict) << row.line;
  }
}

TEST_F(ClassifyTest, OutputsHaveTheCompilersNames) {
  const CompileUnit plain = remote("gcc -c out/../a.c").units.at(0);
  EXPECT_EQ(plain.object, "/w/a.o");
  EXPECT_EQ(plain.outputs, (Words{"/w/a.o"}));
  EXPECT_EQ(plain.argv, words("gcc -c out/../a.c"));

  const CompileUnit named = remote("gcc -S a.c -oout/y.z.s -MMD").units.at(0);
  EXPECT_EQ(named.object, "/w/out/y.z.s");
  EXPECT_EQ(named.depfile, "/w/out/y.z.d");

  const CompileUnit full =
      remote("gcc -c a.c -o out/y.o -MD -MF out/y.dep -MT q -MP --coverage -g -gsplit-dwarf")
          .units.at(0);
  EXPECT_EQ(full.outputs,
            (Words{"/w/out/y.o", "/w/out/y.dep", "/w/out/y.gcno", "/w/out/y.dwo", "/w/a.dwo"}));
  EXPECT_EQ(remote("gcc -c a.c -Wp,-MMD,out/k.d").units.at(0).depfile, "/w/out/k.d");
}

TEST_F(ClassifyTest, SeveralSourcesAreOneTaskEach) {
  files_.add_file("/w/args", "-O2 b.c");
  const Remote result = remote("gcc -c a.c -MD @args -g");
  ASSERT_EQ(result.units.size(), 2U);
  EXPECT_EQ(result.units[0].argv, words("gcc -c a.c -MD -O2 -g"));
  EXPECT_EQ(result.units[1].argv, words("gcc -c -MD -O2 b.c -g"));
  EXPECT_EQ(result.units[1].outputs, (Words{"/w/b.o", "/w/b.d"}));
  EXPECT_EQ(result.units[1].inputs, (Words{"args"}));
}

TEST_F(ClassifyTest, ResponseFilesTravelAndArgvStays) {
  files_.add_file("/w/args", "-c @more");
  files_.add_file("/w/more", "a.c -DX='1 2'");
  const CompileUnit unit = remote("gcc @args").units.at(0);
  EXPECT_EQ(unit.argv, words("gcc @args"));
  EXPECT_EQ(unit.expanded, (Words{"gcc", "-c", "a.c", "-DX=1 2"}));
  EXPECT_EQ(unit.inputs, (Words{"args", "more"}));
}

TEST_F(ClassifyTest, LanguageFollowsTheOptionTheDriverAndTheName) {
  EXPECT_EQ(remote("gcc -c a.c").units[0].language, Language::c);
  EXPECT_EQ(remote("gcc -c x.cc").units[0].language, Language::cxx);
  EXPECT_EQ(remote("/opt/x-g++-12 -c a.c").units[0].language, Language::cxx);
  EXPECT_EQ(remote("gcc -x c++ -c a.c").units[0].language, Language::cxx);
  EXPECT_EQ(remote("g++ -xc -c x.h").units[0].language, Language::c);
  const Remote both = remote("gcc -c -x c++ a.c -x none b.c");
  EXPECT_EQ(both.units[0].language, Language::cxx);
  EXPECT_EQ(both.units[1].language, Language::c);
}

TEST_F(ClassifyTest, NamesInFlagsAreInputs) {
  files_.add_file("/w/plain.specs", "%rename cc1 old");
  files_.add_file("/w/annobin.specs", "*cc1: -fplugin=annobin");
  const CompileUnit unit =
      remote("clang -c a.c -fsanitize-ignorelist=l -specs=./plain.specs -include x.h").units[0];
  EXPECT_EQ(unit.inputs, (Words{"l", "./plain.specs"}));
  EXPECT_EQ(unit.forced_includes, (Words{"x.h"}));
  EXPECT_EQ(verdict("gcc -c a.c -specs=annobin.specs"), "plugin");
  for (const char* text : {"*cc1: %:local_cpu_detect(arch)", "*cc1: -march=native",
                           "%include <other.specs>", "*cc1: %:getenv(X /y)"}) {
    files_.add_file("/w/around.specs", text);
    EXPECT_EQ(verdict("gcc -c a.c -specs=./around.specs"), "specs") << text;
  }
  EXPECT_EQ(verdict("gcc -c a.c -specs=./none"), "specs_unreadable");
  EXPECT_EQ(verdict("gcc -c a.c -specs=nano.specs"), "specs");
}

TEST_F(ClassifyTest, OddNamesWork) {
  EXPECT_TRUE(std::holds_alternative<Remote>(classify_words({"gcc", "-c", "with space.c"})));
  EXPECT_TRUE(std::holds_alternative<Remote>(classify_words({"gcc", "-c", "./-dash.c"})));
  EXPECT_TRUE(std::holds_alternative<Local>(classify_words({"gcc", "-c", "new\nline.c"})));
}

TEST_F(ClassifyTest, OutputsThatCannotBeReplacedStay) {
  files_.add_file("/w/locked.o", "");
  files_.forbid_writing("/w/locked.o");
  EXPECT_EQ(verdict("gcc -c a.c -o locked.o"), "output_unwritable");
  files_.add_file("/w/linked.o", "").links = 2;
  EXPECT_EQ(verdict("gcc -c a.c -o linked.o"), "special_output");
  files_.add_symlink("/w/symlink.o", "/w/elsewhere.o");
  EXPECT_EQ(verdict("gcc -c a.c -o symlink.o"), "special_output");
  files_.forbid_reading("/w/a.c");
  EXPECT_EQ(verdict("gcc -c a.c"), "source_unreadable");
}

TEST_F(ClassifyTest, SomeVariablesKeepACallHere) {
  for (const char* name : {"DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES", "CCC_OVERRIDE_OPTIONS",
                           "GCC_EXEC_PREFIX", "COMPILER_PATH"}) {
    environment_ = {{name, "x"}};
    EXPECT_EQ(verdict("gcc -c a.c"), "environment") << name;
    environment_ = {{name, ""}};
    EXPECT_EQ(verdict("gcc -c a.c"), "remote") << name;
  }
}

}  // namespace
}  // namespace kiln::client
