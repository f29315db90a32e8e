#include "common/net/relay_stream.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace kiln::net {
namespace {

RelayLimits small() {
  RelayLimits limits;
  limits.piece_bytes = 100;
  limits.window_bytes = 400;
  limits.queue_bytes = 10'000;
  limits.message_bytes = 5'000;
  return limits;
}

// Two ends that know each other's first credit.
struct Ends {
  explicit Ends(const RelayLimits& limits = small()) : from(limits), to(limits) {
    EXPECT_TRUE(from.credited(to.first_credit()));
  }
  // Carries what may go, and grants; whether anything went.
  bool carry() {
    bool went = false;
    while (auto piece = from.next_piece()) {
      went = true;
      largest = std::max(largest, piece->size());
      EXPECT_TRUE(to.receive(*piece));
    }
    while (auto message = to.next_message()) got.push_back(std::move(*message));
    EXPECT_TRUE(from.credited(to.take_credit()));
    return went;
  }

  RelayStream from;
  RelayStream to;
  std::vector<wire::Frames> got;
  std::size_t largest = 0;
};

TEST(RelayStream, messages_arrive_whole_and_in_order_in_pieces_that_are_small) {
  Ends ends;
  std::vector<wire::Frames> sent;
  std::mt19937 random(1);
  for (int i = 0; i < 50; ++i) {
    wire::Frames frames(1 + random() % 4);
    for (auto& frame : frames) frame.assign(random() % 300, static_cast<char>('a' + i % 26));
    ASSERT_TRUE(ends.from.send(frames));
    sent.push_back(frames);
    ends.carry();
  }
  while (ends.carry()) {
  }
  EXPECT_EQ(ends.got, sent);
  EXPECT_LE(ends.largest, 100U);
  EXPECT_EQ(ends.from.queued_bytes(), 0U);
}

TEST(RelayStream, nothing_goes_beyond_the_credit) {
  RelayStream stream(small());
  ASSERT_TRUE(stream.send({std::string(1'000, 'x')}));
  EXPECT_FALSE(stream.next_piece());
  ASSERT_TRUE(stream.credited(150));
  EXPECT_EQ(stream.next_piece()->size(), 100U);
  EXPECT_EQ(stream.next_piece()->size(), 50U);
  EXPECT_FALSE(stream.next_piece());
}

TEST(RelayStream, small_messages_share_a_piece) {
  RelayStream stream(small());
  ASSERT_TRUE(stream.credited(400));
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(stream.send({"x"}));
  ASSERT_TRUE(stream.next_piece());
  EXPECT_FALSE(stream.next_piece());
}

TEST(RelayStream, credit_is_granted_half_a_window_at_a_time) {
  RelayStream stream(small());
  ASSERT_TRUE(stream.receive(wire::pack_stream({std::string(150, 'x')})));
  EXPECT_EQ(stream.take_credit(), 0U);
  ASSERT_TRUE(stream.receive(wire::pack_stream({std::string(50, 'x')})));
  EXPECT_EQ(stream.take_credit(), 150U + 50 + 2 * 12);
  EXPECT_EQ(stream.take_credit(), 0U);
}

TEST(RelayStream, who_sends_more_than_was_granted_is_not_heard) {
  RelayStream stream(small());
  EXPECT_EQ(stream.receive(std::string(401, 'x')).error().code, Errc::corrupt);
}

TEST(RelayStream, a_message_beyond_the_limit_ends_the_stream) {
  Ends ends;
  ASSERT_TRUE(ends.from.send({std::string(6'000, 'x')}));
  Status status;
  while (status) {
    const auto piece = ends.from.next_piece();
    if (!piece) break;
    status = ends.to.receive(*piece);
  }
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::resource_exhausted);
}

TEST(RelayStream, what_waits_for_credit_is_bounded_but_one_message_always_fits) {
  RelayStream stream(small());
  EXPECT_TRUE(stream.send({std::string(20'000, 'x')}));
  EXPECT_EQ(stream.send({"x"}).error().code, Errc::resource_exhausted);
}

TEST(RelayStream, credit_without_end_is_an_error) {
  RelayStream stream(small());
  ASSERT_TRUE(stream.credited(UINT32_MAX));
  EXPECT_EQ(stream.credited(UINT32_MAX).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace kiln::net
