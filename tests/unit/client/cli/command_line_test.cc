#include "client/cli/command_line.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/arguments/response_file.h"

namespace kiln::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Kind = PeopleCommand::Kind;

std::string error_of(const std::vector<std::string>& words) {
  const auto line = parse_people_command(words);
  if (line) return "no error";
  EXPECT_EQ(line.error().code, Errc::invalid_argument);
  return line.error().message;
}

TEST(CommandLine, commands_become_questions_to_the_agent) {
  const auto status = parse_people_command({"status", "--json"});
  ASSERT_TRUE(status);
  EXPECT_EQ(status->kind, Kind::ask);
  EXPECT_EQ(status->name, "status");
  EXPECT_TRUE(status->json);
  EXPECT_THAT(parse_people_command({"why", "a.c"})->arguments, ElementsAre("a.c"));
  EXPECT_THAT(parse_people_command({"why", "--", "--json"})->arguments, ElementsAre("--json"));
  EXPECT_THAT(parse_people_command({"agent", "stop"})->arguments, ElementsAre("stop"));
  EXPECT_THAT(parse_people_command({"doctor", "clang"})->arguments, ElementsAre("clang"));
  EXPECT_EQ(parse_people_command({"-j"})->name, "jobs");
}

TEST(CommandLine, help_and_version_need_no_agent) {
  EXPECT_EQ(parse_people_command({})->kind, Kind::help);
  EXPECT_EQ(parse_people_command({"--help"})->kind, Kind::help);
  EXPECT_EQ(parse_people_command({"status", "--help"})->kind, Kind::help);
  EXPECT_EQ(parse_people_command({"run", "--help"})->kind, Kind::help);
  EXPECT_EQ(parse_people_command({"nodes", "-h"})->kind, Kind::help);
  EXPECT_EQ(parse_people_command({"--version"})->kind, Kind::version);
  EXPECT_EQ(parse_people_command({"--version", "--help"})->kind, Kind::help);
  EXPECT_TRUE(parse_people_command({"--version", "--json"})->json);
}

TEST(CommandLine, run_takes_files_and_a_command) {
  const auto run = parse_people_command(
      {"run", "--input", "a", "--input=b", "--output", "c", "--", "sort", "--output", "c"});
  ASSERT_TRUE(run);
  EXPECT_EQ(run->kind, Kind::run);
  EXPECT_THAT(run->inputs, ElementsAre("a", "b"));
  EXPECT_THAT(run->outputs, ElementsAre("c"));
  EXPECT_THAT(run->command, ElementsAre("sort", "--output", "c"));
  EXPECT_THAT(parse_people_command({"run", "sort", "--", "x"})->command,
              ElementsAre("sort", "--", "x"));
}

TEST(CommandLine, what_is_wrong_is_named_with_what_is_near) {
  EXPECT_THAT(error_of({"--jsno"}), HasSubstr("unknown option '--jsno'; did you mean '--json'?"));
  EXPECT_THAT(error_of({"status", "--jsn"}), HasSubstr("did you mean '--json'?"));
  EXPECT_THAT(error_of({"run", "--inputs", "a", "--", "x"}), HasSubstr("did you mean '--input'?"));
  EXPECT_THAT(error_of({"run", "--input"}), HasSubstr("needs a path"));
  EXPECT_THAT(error_of({"run", "--input", "--", "x"}), HasSubstr("needs a path"));
  EXPECT_THAT(error_of({"run"}), HasSubstr("no command"));
  EXPECT_THAT(error_of({"run", "--"}), HasSubstr("no command"));
  EXPECT_THAT(error_of({"why"}), HasSubstr("name one file"));
  EXPECT_THAT(error_of({"why", "a", "b"}), HasSubstr("name one file"));
  EXPECT_THAT(error_of({"agent"}), HasSubstr("agent stop"));
  EXPECT_THAT(error_of({"agent", "start"}), HasSubstr("agent stop"));
  EXPECT_THAT(error_of({"status", "x"}), HasSubstr("unexpected argument 'x'"));
  EXPECT_THAT(error_of({"doctor", "gcc", "clang"}), HasSubstr("unexpected argument 'clang'"));
  EXPECT_THAT(error_of({"--json", "nodes"}), HasSubstr("goes after the command"));
  EXPECT_THAT(error_of({"toolchain"}), HasSubstr("not in this version"));
  EXPECT_THAT(error_of({""}), HasSubstr("unknown command ''"));
}

std::string help_of(const std::vector<std::string>& words) {
  const auto line = parse_people_command(words);
  EXPECT_TRUE(line);
  if (!line) return "";
  EXPECT_EQ(line->kind, Kind::help);
  return help_text(*line);
}

TEST(Help, fits_80_columns) {
  std::string all = help_of({"--help"}) + help_of({"pools", "--help"}) + help_of({"warm", "-h"}) +
                    help_of({"pool", "--help"});
  for (const char* action : {"create", "show", "warm", "quiesce", "wake", "resize", "delete"})
    all += help_of({"pool", action, "--help"});
  std::istringstream text(all);
  for (std::string line; std::getline(text, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST(Help, of_one_command_has_its_own_examples) {
  EXPECT_THAT(help_of({"pool", "--help"}), HasSubstr("kiln pool resize cc 4"));
  EXPECT_THAT(help_of({"pool", "create", "cc", "--help"}), HasSubstr("kiln pool create cc --tool"));
  EXPECT_THAT(help_of({"pool", "crate", "--help"}), HasSubstr("kiln pool ACTION NAME"));
  EXPECT_THAT(help_of({"warm", "--help"}), HasSubstr("kiln warm g++\n"));
  EXPECT_THAT(help_of({"pools", "--help"}), HasSubstr("usage: kiln pools [--json]"));
  EXPECT_THAT(help_of({"status", "--help"}), HasSubstr("usage: kiln COMPILER"));
}

// Whoever reads of an option can use it, and the other way round.
TEST(Help, of_create_shows_commands_that_are_understood) {
  std::istringstream text(help_of({"pool", "create", "--help"}));
  int examples = 0;
  for (std::string line; std::getline(text, line);) {
    if (!line.starts_with("  kiln pool create ")) continue;
    ++examples;
    const auto words = split_response_text(line);
    const auto parsed = parse_people_command({words.begin() + 1, words.end()});
    EXPECT_TRUE(parsed) << line << (parsed ? "" : parsed.error().message);
  }
  EXPECT_EQ(examples, 5);
}

}  // namespace
}  // namespace kiln::client
