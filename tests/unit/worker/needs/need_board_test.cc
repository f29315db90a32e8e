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

}  // namespace
}  // namespace kiln::worker
