#include "client/arguments/option_table.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

TEST(OptionTableTest, IsSortedWithoutDoubles) {
  const auto table = option_table();
  for (std::size_t i = 1; i < table.size(); ++i) {
    EXPECT_LT(table[i - 1].name, table[i].name);
  }
}

TEST(OptionTableTest, GivesAReasonWhereAndOnlyWhereACallStays) {
  for (const Option& option : option_table()) {
    EXPECT_TRUE(option.name.starts_with('-')) << option.name;
    EXPECT_EQ(option.reason.empty(), option.effect != Effect::local) << option.name;
  }
}

TEST(OptionTableTest, CutsJoinedAndSeparateValues) {
  const std::vector<std::string> argv = {"cc", "-Ia", "-I",  "b",  "-std=c11", "--param",
                                         "x",  "-c",  "a.c", "-o", "a.o",      "-MF"};
  const auto arguments = cut_arguments(argv);
  std::vector<std::string_view> values;
  for (const Argument& argument : arguments) values.push_back(argument.value);
  EXPECT_EQ(values, (std::vector<std::string_view>{"a", "b", "c11", "x", "", "", "a.o", ""}));
  EXPECT_EQ(arguments[1].count, 2U);
  EXPECT_TRUE(arguments[5].is_operand());
  EXPECT_FALSE(arguments.back().complete);
}

TEST(OptionTableTest, TakesTheLongestRow) {
  const auto name_of = [](const std::string& text) {
    const std::vector<std::string> argv = {"cc", text, "value"};
    const auto* option = cut_arguments(argv).front().option;
    return option == nullptr ? std::string_view{} : option->name;
  };
  EXPECT_EQ(name_of("-include"), "-include");
  EXPECT_EQ(name_of("-include-pch"), "-include-pch");
  EXPECT_EQ(name_of("-gsplit-dwarf"), "-gsplit-dwarf");
  EXPECT_EQ(name_of("-gsplit-dwarf=single"), "-g");
  EXPECT_EQ(name_of("-Wa,-ahl"), "-Wa,");
  EXPECT_EQ(name_of("-Wall"), "-W");
  EXPECT_EQ(name_of("-fdump-tree-all"), "-fdump-");
  EXPECT_EQ(name_of("-dumpversion"), "-dumpversion");
  EXPECT_EQ(name_of("-dM"), "-d");
  EXPECT_EQ(name_of("-coverage"), "-coverage");
  EXPECT_EQ(name_of("--no-such"), "");
  EXPECT_EQ(name_of("-MX"), "");
}

}  // namespace
}  // namespace kiln::client
