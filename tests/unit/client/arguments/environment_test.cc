#include "client/arguments/environment.h"

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

using Words = std::vector<std::string>;

TEST(EnvironmentTest, OnlyWhatCompilersReadTravels) {
  const Environment all = {{"TZ", "UTC"},        {"HOME", "/h"},      {"LC_ALL", "C"},
                           {"TMPDIR", "/x"},     {"NIX_CFLAGS", "x"}, {"PATH", "/bin"},
                           {"LD_PRELOAD", "x"},  {"CPATH", "i"},      {"CONDA_PREFIX", "/c"},
                           {"PATH", "/shadowed"}};
  EXPECT_EQ(task_environment(all), (Environment{{"CONDA_PREFIX", "/c"},
                                                {"CPATH", "i"},
                                                {"LC_ALL", "C"},
                                                {"NIX_CFLAGS", "x"},
                                                {"PATH", "/bin"},
                                                {"TZ", "UTC"}}));
}

TEST(EnvironmentTest, EveryVariableOfTheListTravels) {
  for (const char* name :
       {"CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "OBJC_INCLUDE_PATH", "LD_LIBRARY_PATH",
        "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LOCPATH", "TZ",
        "SOURCE_DATE_EPOCH", "GCC_COLORS", "TERM", "COLUMNS", "PATH", "PWD"}) {
    EXPECT_EQ(task_environment({{name, "x"}}).size(), 1U) << name;
  }
}

TEST(EnvironmentTest, IncludeVariablesNameDirectoriesOfTheirLanguage) {
  const Environment environment = {
      {"CPATH", "a::b"}, {"C_INCLUDE_PATH", "c"}, {"CPLUS_INCLUDE_PATH", "d"}};
  const auto paths = [&](Language language) {
    Words names;
    for (const auto& directory : environment_directories(environment, language)) {
      names.push_back(directory.path);
    }
    return names;
  };
  EXPECT_EQ(paths(Language::c), (Words{"a", ".", "b", "c"}));
  EXPECT_EQ(paths(Language::cxx), (Words{"a", ".", "b", "d"}));
}

class TerminalArgumentsTest : public testing::Test {
 protected:
  Words ask(CompilerFamily family, Words argv) {
    CompilerCall call;
    call.family = family;
    call.environment = environment_;
    CompileUnit unit;
    unit.expanded = std::move(argv);
    return terminal_arguments(call, unit, version_);
  }
  std::string version_ = "gcc (Debian 12.2.0-14) 12.2.0";
  Environment environment_ = {{"TERM", "xterm-256color"}};
};

TEST_F(TerminalArgumentsTest, AsksForColoursAsTheFamilySpellsIt) {
  EXPECT_EQ(ask(CompilerFamily::gcc, {"gcc"}),
            (Words{"-fdiagnostics-color=always", "-fdiagnostics-urls=always"}));
  EXPECT_EQ(ask(CompilerFamily::gcc, {"gcc", "-g"}), (Words{"-fdiagnostics-color=always"}));
  EXPECT_EQ(ask(CompilerFamily::clang, {"clang"}), (Words{"-fcolor-diagnostics"}));
}

TEST_F(TerminalArgumentsTest, LeavesTheCallersChoiceAlone) {
  EXPECT_EQ(ask(CompilerFamily::gcc, {"gcc", "-fdiagnostics-color=never"}), Words{});
  EXPECT_EQ(ask(CompilerFamily::gcc, {"gcc", "-fno-diagnostics-color"}), Words{});
  EXPECT_EQ(ask(CompilerFamily::clang, {"clang", "-fno-color-diagnostics"}), Words{});
}

TEST_F(TerminalArgumentsTest, AddsNothingThatClangWouldRecord) {
  EXPECT_EQ(ask(CompilerFamily::clang, {"clang", "-grecord-command-line"}), Words{});
  EXPECT_EQ(ask(CompilerFamily::gcc, {"gcc", "-frecord-gcc-switches"}).size(), 1U);
}

TEST_F(TerminalArgumentsTest, OldCompilersAreNotAskedForWhatTheyDoNotKnow) {
  version_ = "gcc (Debian 9.4.0-1) 9.4.0";
  EXPECT_EQ(ask(CompilerFamily::gcc, {"gcc"}), (Words{"-fdiagnostics-color=always"}));
  version_ = "gcc (GCC) 4.8.5 20150623 (Red Hat 4.8.5-44)";
  EXPECT_EQ(ask(CompilerFamily::gcc, {"gcc"}), Words{});
  version_ = "gcc (GCC) 4.9.2";
  EXPECT_EQ(ask(CompilerFamily::gcc, {"gcc"}), Words{});
  environment_.emplace_back("GCC_COLORS", "error=01;31");
  EXPECT_EQ(ask(CompilerFamily::gcc, {"gcc"}), (Words{"-fdiagnostics-color=always"}));
}

TEST_F(TerminalArgumentsTest, LinksGoWhereGccSendsThemByItself) {
  const auto links = [this](Environment environment) {
    environment_ = std::move(environment);
    return ask(CompilerFamily::gcc, {"gcc"}).size() == 2;
  };
  EXPECT_TRUE(links({{"TERM", "xterm-256color"}}));
  EXPECT_FALSE(links({{"TERM", "xterm"}}));
  EXPECT_FALSE(links({{"TERM", "linux"}}));
  EXPECT_TRUE(links({{"TERM", "xterm"}, {"COLORTERM", "truecolor"}}));
  EXPECT_TRUE(links({{"TERM", "linux"}, {"GCC_URLS", "st"}}));
  for (const char* terminal : {"xfce4-terminal", "gnome-terminal"})
    EXPECT_FALSE(links({{"TERM", "xterm-256color"}, {"COLORTERM", terminal}})) << terminal;
}

TEST(CompilerVersionTest, IsReadFromWhatCompilersSayOfThemselves) {
  EXPECT_EQ(version_in("gcc (Debian 12.2.0-14) 12.2.0"), (CompilerVersion{12, 2}));
  EXPECT_EQ(version_in("gcc (GCC) 4.8.5 20150623 (Red Hat 4.8.5-44)"), (CompilerVersion{4, 8}));
  EXPECT_EQ(version_in("x86_64-linux-gnu-gcc-13 (Ubuntu 13.1.0-8ubuntu1~22.04) 13.1.0"),
            (CompilerVersion{13, 1}));
  EXPECT_EQ(version_in("arm-gcc (Toolchain (r1) 9.2) 10"), (CompilerVersion{10, 0}));
  EXPECT_EQ(version_in("no version here"), CompilerVersion{});
}

TEST_F(TerminalArgumentsTest, ATerminalWithoutColoursGetsNone) {
  environment_ = {{"TERM", "dumb"}};
  EXPECT_EQ(ask(CompilerFamily::gcc, {"gcc"}), Words{});
  environment_ = {};
  EXPECT_EQ(ask(CompilerFamily::clang, {"clang"}), Words{});
}

}  // namespace
}  // namespace kiln::client
