#include "client/cli/node_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(NodeWords, a_node_is_named_and_waited_for) {
  const auto line = parse_node_words({"drain", "w0"});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->name, "drain");
  EXPECT_THAT(line->arguments, ElementsAre("w0"));
  EXPECT_TRUE(line->waits);
  EXPECT_EQ(line->timeout, std::chrono::minutes(5));
}

TEST(NodeWords, options_stand_before_and_after_it) {
  const auto line = parse_node_words({"resume", "--timeout=10s", "w0", "--json", "--no-wait"});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->timeout, seconds(10));
  EXPECT_TRUE(line->json);
  EXPECT_FALSE(line->waits);
}

TEST(NodeWords, what_is_wrong_is_named) {
  EXPECT_THAT(parse_node_words({"drain"}).error().message, HasSubstr("name one node"));
  EXPECT_THAT(parse_node_words({"drain", "a", "b"}).error().message, HasSubstr("name one node"));
  EXPECT_THAT(parse_node_words({"drain", "a", "--timout", "1s"}).error().message,
              HasSubstr("--timeout"));
  EXPECT_THAT(parse_node_words({"drain", "a", "--timeout", "soon"}).error().message,
              HasSubstr("--timeout"));
}

TEST(NodeWords, each_has_a_help_of_its_own) {
  const auto line = parse_node_words({"drain", "--help"});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->kind, PeopleCommand::Kind::help);
}

}  // namespace
}  // namespace kiln::client
