#include "client/launcher/invocation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::client {
namespace {

using testing::ElementsAre;
using Kind = Invocation::Kind;

TEST(Invocation, a_link_named_after_a_compiler_is_that_compiler) {
  const auto invocation = interpret({"/links/x86_64-linux-gnu-g++-12", "status"});
  EXPECT_EQ(invocation.kind, Kind::compile);
  EXPECT_THAT(invocation.words, ElementsAre("/links/x86_64-linux-gnu-g++-12", "status"));
}

TEST(Invocation, the_first_word_decides_otherwise) {
  EXPECT_EQ(interpret({"kiln", "gcc", "-c"}).kind, Kind::compile);
  EXPECT_THAT(interpret({"kiln", "gcc", "-c"}).words, ElementsAre("gcc", "-c"));
  EXPECT_EQ(interpret({"kiln", "/opt/bin/status"}).kind, Kind::compile);
  EXPECT_EQ(interpret({"kiln", "status"}).kind, Kind::command);
  EXPECT_EQ(interpret({"kiln", "top"}).kind, Kind::command);
  EXPECT_EQ(interpret({"kiln", "-j"}).kind, Kind::command);
  EXPECT_EQ(interpret({"kiln", ""}).kind, Kind::command);
  EXPECT_EQ(interpret({"kiln"}).kind, Kind::command);
  EXPECT_EQ(interpret({}).kind, Kind::command);
  EXPECT_EQ(interpret({"/opt/kiln-1.0/kiln-next", "status"}).kind, Kind::command);
  EXPECT_EQ(interpret({"/links/tcc", "-c", "a.c"}).kind, Kind::unknown_name);
}

TEST(NearestWord, is_within_two_letters_or_none) {
  EXPECT_EQ(nearest_word("statsu", subcommands()), "stats");
  EXPECT_EQ(nearest_word("node", subcommands()), "nodes");
  EXPECT_EQ(nearest_word("docter", subcommands()), "doctor");
  EXPECT_EQ(nearest_word("frobnicate", subcommands()), "");
  EXPECT_EQ(nearest_word("", subcommands()), "");
}

}  // namespace
}  // namespace kiln::client
