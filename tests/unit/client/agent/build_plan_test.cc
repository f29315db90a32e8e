#include "client/agent/build_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client/fake_file_system.h"

namespace kiln::client {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(BuildPlan, compilers_of_the_calls_that_travel_each_once) {
  FakeFileSystem files;
  files.add_file("/src/a.c", "");
  const auto plan = read_build_plan(R"([
    {"directory": "/src", "file": "a.c", "command": "ccache /usr/bin/gcc -c a.c -o 'a b.o'"},
    {"directory": "/src", "file": "a.c", "arguments": ["kiln", "/usr/bin/gcc", "-c", "a.c"]},
    {"directory": "/src", "file": "b.cc", "arguments": ["clang++", "-c", "a.c"]},
    {"directory": "/src", "file": "a.c", "command": "gcc -E a.c"},
    {"directory": "/src", "file": "gen", "command": "python3 gen.py"},
    {"directory": "/src", "file": "nothing"}])",
                                    {}, files);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_THAT(plan->compilers, ElementsAre("/usr/bin/gcc", "clang++"));
  EXPECT_EQ(plan->calls, 6U);
  EXPECT_EQ(plan->travel, 3U);
  EXPECT_EQ(plan->local.at("not_a_compiler"), 1U);
  EXPECT_EQ(plan->local.at("not_understood"), 1U);
  EXPECT_EQ(plan->local.size(), 3U) << "and -E under its own reason";
}

TEST(BuildPlan, other_files_are_refused) {
  const FakeFileSystem files;
  for (const char* text : {"", "{}", "[1]", "not json"})
    EXPECT_FALSE(read_build_plan(text, {}, files)) << text;
  EXPECT_EQ(read_build_plan("[]", {}, files)->calls, 0U);
}

}  // namespace
}  // namespace kiln::client
