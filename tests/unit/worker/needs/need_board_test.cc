#include "worker/needs/need_board.h"

#include <gtest/gtest.h>

namespace kiln::worker {
namespace {

const Digest kA = digest_of("a");
const Digest kB = digest_of("b");
constexpr AttemptId kFirst{1, 1};
constexpr AttemptId kSecond{1, 2};

TEST(NeedBoard, asks_for_a_blob_once) {
  NeedBoard board;
  EXPECT_EQ(board.wait(kFirst, {kA}).size(), 1U);
  EXPECT_EQ(board.wait(kSecond, {kA, kB}), std::vector<Digest>{kB});
}

TEST(NeedBoard, an_attempt_is_complete_with_its_last_blob) {
  NeedBoard board;
  board.wait(kFirst, {kA});
  board.wait(kSecond, {kA, kB});
  EXPECT_EQ(board.arrived(kA), std::vector<AttemptId>{kFirst});
  EXPECT_TRUE(board.waiting(kSecond));
  EXPECT_EQ(board.arrived(kB), std::vector<AttemptId>{kSecond});
  EXPECT_EQ(board.open(), 0U);
  EXPECT_TRUE(board.arrived(kB).empty()) << "a blob nobody waits for is no event";
}

TEST(NeedBoard, another_waiter_is_asked_when_the_asked_one_goes) {
  NeedBoard board;
  board.wait(kFirst, {kA, kB});
  board.wait(kSecond, {kA});
  const auto asks = board.drop(kFirst);
  ASSERT_EQ(asks.size(), 1U);
  EXPECT_EQ(asks[0].first, kSecond);
  EXPECT_EQ(asks[0].second, std::vector<Digest>{kA});
  EXPECT_EQ(board.open(), 1U) << "nobody waits for b any more";
  EXPECT_TRUE(board.drop(kSecond).empty());
  EXPECT_EQ(board.open(), 0U);
}

TEST(NeedBoard, others_are_asked_while_the_asked_one_is_silent) {
  NeedBoard board;
  board.wait(kFirst, {kA, kB});
  board.wait(kSecond, {kA});
  EXPECT_EQ(board.asked_of(kFirst).size(), 2U);
  EXPECT_TRUE(board.asked_of(kSecond).empty());
  const auto asks = board.yield(kFirst);
  ASSERT_EQ(asks.size(), 1U);
  EXPECT_EQ(asks[0].first, kSecond);
  EXPECT_EQ(board.asked_of(kSecond), std::vector<Digest>{kA});
  EXPECT_EQ(board.asked_of(kFirst), std::vector<Digest>{kB}) << "nobody else waits for b";
  EXPECT_TRUE(board.waits_for(kFirst, kA)) << "it goes on waiting";
  EXPECT_EQ(board.waiters(kA).size(), 2U);
  EXPECT_TRUE(board.yield(kFirst).empty());
}

}  // namespace
}  // namespace kiln::worker
