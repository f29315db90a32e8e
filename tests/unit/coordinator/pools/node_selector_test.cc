#include "coordinator/pools/node_selector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::coordinator {
namespace {

using testing::HasSubstr;

NodeInfo node(const std::string& name,
              std::vector<std::pair<std::string, std::string>> labels = {}) {
  NodeInfo info;
  info.name = name;
  info.labels = std::move(labels);
  return info;
}

bool matches(const std::vector<std::string>& terms, const NodeInfo& info) {
  const auto selector = NodeSelector::parse(terms);
  EXPECT_TRUE(selector);
  return selector && selector->matches(info);
}

TEST(NodeSelector, no_term_selects_every_node) {
  EXPECT_TRUE(matches({}, node("a")));
}

TEST(NodeSelector, values_and_labels_must_hold) {
  const auto info = node("a", {{"zone", "a"}, {"gpu", ""}});
  EXPECT_TRUE(matches({"zone=a"}, info));
  EXPECT_FALSE(matches({"zone=b"}, info));
  EXPECT_TRUE(matches({"gpu"}, info));
  EXPECT_FALSE(matches({"spot"}, info));
}

TEST(NodeSelector, negated_terms_must_not) {
  const auto info = node("a", {{"zone", "a"}, {"spot", "yes"}});
  EXPECT_FALSE(matches({"!spot"}, info));
  EXPECT_TRUE(matches({"!gpu"}, info));
  EXPECT_FALSE(matches({"!zone=a"}, info));
  EXPECT_TRUE(matches({"!zone=b"}, info));
  EXPECT_TRUE(matches({"!zone=a"}, node("b"))) << "no zone is not zone a";
}

TEST(NodeSelector, all_terms_count_together) {
  const std::vector<std::string> terms = {"zone=a", "!spot"};
  EXPECT_TRUE(matches(terms, node("a", {{"zone", "a"}})));
  EXPECT_FALSE(matches(terms, node("a", {{"zone", "a"}, {"spot", ""}})));
  EXPECT_FALSE(matches(terms, node("a")));
}

TEST(NodeSelector, the_nodes_name_is_a_label) {
  EXPECT_TRUE(matches({"name=a"}, node("a")));
  EXPECT_FALSE(matches({"!name=a"}, node("a")));
  EXPECT_FALSE(matches({"name=a"}, node("b")));
}

TEST(NodeSelector, a_value_may_hold_an_equals_sign) {
  EXPECT_TRUE(matches({"flags=a=b"}, node("n", {{"flags", "a=b"}})));
}

TEST(NodeSelector, errors_quote_the_term) {
  for (const auto* bad : {"", "!", "=a", "zone=", "!zone=", "a b", "!!x", "zone==a"}) {
    const auto selector = NodeSelector::parse({"fine", bad});
    ASSERT_FALSE(selector) << bad;
    EXPECT_EQ(selector.error().code, Errc::invalid_argument);
    EXPECT_THAT(selector.error().message, HasSubstr("\"" + std::string(bad) + "\""));
    EXPECT_THAT(selector.error().message, HasSubstr("write zone=a"));
  }
}

}  // namespace
}  // namespace kiln::coordinator
