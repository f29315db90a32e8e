#include "coordinator/pools/held_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::coordinator {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class HeldAnswersTest : public testing::Test {
 protected:
  // The node has taken up all orders up to this one.
  void at(const std::string& node, std::uint64_t number) {
    held.look(node, [number](const std::string&, std::uint64_t order) { return order <= number; });
  }

  TimePoint now{};
  HeldAnswers held;
};

TEST_F(HeldAnswersTest, an_answer_waits_for_every_node) {
  const auto answer = held.hold("cc", {{"a", 3}, {"b", 4}}, now);
  EXPECT_THAT(held.take(now), IsEmpty());
  at("a", 3);
  at("b", 3);
  EXPECT_THAT(held.take(now), IsEmpty()) << "b spoke before it knew of the order";
  at("b", 4);
  EXPECT_THAT(held.take(now), ElementsAre(answer));
  EXPECT_THAT(held.take(now), IsEmpty()) << "given once";
  EXPECT_FALSE(held.next_deadline());
}

TEST_F(HeldAnswersTest, a_silent_node_is_waited_for_a_second) {
  const auto answer = held.hold("cc", {{"a", 3}}, now);
  ASSERT_TRUE(held.next_deadline());
  EXPECT_EQ(*held.next_deadline(), now + seconds(1));
  EXPECT_THAT(held.take(now + milliseconds(999)), IsEmpty());
  EXPECT_THAT(held.take(now + seconds(1)), ElementsAre(answer));
}

TEST_F(HeldAnswersTest, what_concerns_no_node_is_answered_at_once) {
  const auto answer = held.hold("cc", {}, now);
  EXPECT_THAT(held.take(now), ElementsAre(answer));
}

TEST_F(HeldAnswersTest, several_wait_each_for_its_own_order) {
  const auto first = held.hold("cc", {{"a", 3}}, now);
  const auto second = held.hold("cc", {{"a", 5}}, now + milliseconds(100));
  const auto third = held.hold("cxx", {{"a", 4}, {"b", 2}}, now + milliseconds(200));
  at("a", 4);
  EXPECT_THAT(held.take(now + milliseconds(300)), ElementsAre(first));
  EXPECT_EQ(*held.next_deadline(), now + milliseconds(1'100));
  at("a", 5);
  EXPECT_THAT(held.take(now + milliseconds(300)), ElementsAre(second));
  EXPECT_THAT(held.take(now + milliseconds(1'200)), ElementsAre(third));
}

TEST_F(HeldAnswersTest, too_many_are_not_held) {
  for (std::size_t i = 0; i < HeldAnswers::kMost; ++i) held.hold("cc", {{"a", 3}}, now);
  const auto answer = held.hold("cc", {{"a", 3}}, now);
  EXPECT_THAT(held.take(now), ElementsAre(answer));
  EXPECT_EQ(held.take(now + seconds(1)).size(), HeldAnswers::kMost);
}

}  // namespace
}  // namespace kiln::coordinator
