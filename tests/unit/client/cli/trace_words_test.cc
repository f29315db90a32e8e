#include "client/cli/trace_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(TraceWords, a_build_is_named_or_it_is_the_latest) {
  EXPECT_THAT(parse_trace_words({"trace"})->arguments, ElementsAre("show"));
  const auto line = parse_trace_words({"trace", "--json", "nightly"});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->name, "trace");
  EXPECT_TRUE(line->json);
  EXPECT_THAT(line->arguments, ElementsAre("show", "nightly"));
}

TEST(TraceWords, those_that_are_remembered) {
  EXPECT_THAT(parse_trace_words({"trace", "--list"})->arguments, ElementsAre("list"));
}

TEST(TraceWords, what_is_wrong_is_named) {
  EXPECT_THAT(parse_trace_words({"trace", "a", "b"}).error().message, HasSubstr("argument 'b'"));
  EXPECT_THAT(parse_trace_words({"trace", "a", "--list"}).error().message,
              HasSubstr("argument 'a'"));
  EXPECT_THAT(parse_trace_words({"trace", "--lits"}).error().message, HasSubstr("'--list'"));
}

TEST(TraceWords, help_is_that_of_all_commands) {
  EXPECT_EQ(parse_trace_words({"trace", "--help"})->kind, PeopleCommand::Kind::help);
}

}  // namespace
}  // namespace kiln::client
