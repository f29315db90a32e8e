#include "coordinator/relay/hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::coordinator {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A hub that reaches the worker "w".
class RelayHubTest : public testing::Test {
 protected:
  RelayHubTest() { hub.worker_joined("w", 1, "trunk"); }

  RelayHub hub;
};

TEST_F(RelayHubTest, a_stream_has_two_ends_that_find_each_other) {
  const auto end = hub.open({"agent", 7}, "w", 1, 0);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->peer, "trunk");
  EXPECT_EQ(hub.grant({"agent", 7}, 1), *end);
  EXPECT_EQ(hub.grant(*end, 1), (RelayEnd{"agent", 7}));
  EXPECT_EQ(hub.grant({"agent", 8}, 1).error().code, Errc::not_found);
  EXPECT_EQ(hub.streams(), 1U);
}

TEST_F(RelayHubTest, streams_of_several_agents_with_one_number_are_several_at_the_worker) {
  const auto first = hub.open({"a", 1}, "w", 1, 0);
  const auto second = hub.open({"b", 1}, "w", 1, 0);
  EXPECT_NE(first->stream, second->stream);
}

TEST(RelayHub, a_worker_that_is_not_there_or_another_process_is_unavailable) {
  RelayHub hub;
  EXPECT_EQ(hub.open({"a", 1}, "w", 1, 0).error().code, Errc::unavailable);
  hub.worker_joined("w", 1, "trunk");
  EXPECT_EQ(hub.open({"a", 1}, "w", 2, 0).error().code, Errc::unavailable);
  hub.gone("trunk");
  EXPECT_EQ(hub.open({"a", 1}, "w", 1, 0).error().code, Errc::unavailable);
}

TEST_F(RelayHubTest, a_number_in_use_is_refused_and_free_again_afterwards) {
  ASSERT_TRUE(hub.open({"a", 1}, "w", 1, 0));
  EXPECT_EQ(hub.open({"a", 1}, "w", 1, 0).error().code, Errc::already_exists);
  EXPECT_TRUE(hub.close({"a", 1}));
  EXPECT_FALSE(hub.close({"a", 1}));
  EXPECT_TRUE(hub.open({"a", 1}, "w", 1, 0));
}

TEST_F(RelayHubTest, nobody_sends_more_than_the_other_end_takes) {
  const RelayEnd agent{"a", 1};
  const auto worker = hub.open(agent, "w", 1, 100);
  ASSERT_TRUE(worker);
  EXPECT_EQ(hub.pass(*worker, 60), agent);
  EXPECT_EQ(hub.pass(*worker, 41).error().code, Errc::corrupt);
  EXPECT_EQ(hub.pass(*worker, 40), agent);
  EXPECT_EQ(hub.grant(agent, 5), *worker);
  EXPECT_EQ(hub.pass(*worker, 6).error().code, Errc::corrupt);
  EXPECT_EQ(hub.pass(*worker, 5), agent);
}

TEST_F(RelayHubTest, an_agent_sends_nothing_before_the_worker_has_taken_the_stream) {
  const RelayEnd agent{"a", 1};
  const auto worker = hub.open(agent, "w", 1, 100);
  EXPECT_EQ(hub.pass(agent, 1).error().code, Errc::corrupt);
  EXPECT_EQ(hub.take(*worker, 7), agent);
  EXPECT_EQ(hub.pass(agent, 7), *worker);
  EXPECT_EQ(hub.take(*worker, 7).error().code, Errc::corrupt);
}

TEST_F(RelayHubTest, credit_does_not_grow_beyond_reason) {
  const RelayEnd agent{"a", 1};
  ASSERT_TRUE(hub.open(agent, "w", 1, 0));
  EXPECT_TRUE(hub.grant(agent, std::uint64_t{1} << 32));
  EXPECT_EQ(hub.grant(agent, 1).error().code, Errc::corrupt);
  EXPECT_EQ(hub.grant(agent, ~std::uint64_t{0}).error().code, Errc::corrupt);
}

TEST_F(RelayHubTest, either_end_closes_it) {
  const auto end = hub.open({"a", 1}, "w", 1, 0);
  EXPECT_EQ(hub.close(*end), (RelayEnd{"a", 1}));
  EXPECT_EQ(hub.grant({"a", 1}, 1).error().code, Errc::not_found);
  EXPECT_EQ(hub.streams(), 0U);
}

TEST_F(RelayHubTest, a_connection_that_is_gone_ends_its_own_streams_only) {
  const auto first = hub.open({"a", 1}, "w", 1, 0);
  const auto second = hub.open({"a", 2}, "w", 1, 0);
  const auto others = hub.open({"b", 1}, "w", 1, 0);
  EXPECT_THAT(hub.gone("a"), ElementsAre(*first, *second));
  EXPECT_THAT(hub.gone("a"), IsEmpty());
  EXPECT_THAT(hub.gone("trunk"), ElementsAre(RelayEnd{"b", 1}));
  EXPECT_EQ(hub.grant(*others, 1).error().code, Errc::not_found);
}

TEST(RelayHub, a_worker_that_connects_anew_gets_new_streams_there) {
  RelayHub hub;
  hub.worker_joined("w", 1, "old");
  ASSERT_TRUE(hub.open({"a", 1}, "w", 1, 0));
  hub.worker_joined("w", 1, "new");
  EXPECT_EQ(hub.open({"a", 2}, "w", 1, 0)->peer, "new");
  EXPECT_THAT(hub.gone("old"), ElementsAre(RelayEnd{"a", 1}));
  EXPECT_EQ(hub.open({"a", 3}, "w", 1, 0)->peer, "new");
}

TEST(RelayHub, streams_are_bounded_on_both_sides) {
  RelayHub hub(2);
  hub.worker_joined("w", 1, "trunk");
  hub.worker_joined("v", 1, "other");
  ASSERT_TRUE(hub.open({"a", 1}, "w", 1, 0));
  ASSERT_TRUE(hub.open({"b", 1}, "w", 1, 0));
  EXPECT_EQ(hub.open({"c", 1}, "w", 1, 0).error().code, Errc::resource_exhausted);
  ASSERT_TRUE(hub.open({"a", 2}, "v", 1, 0));
  EXPECT_EQ(hub.open({"a", 3}, "v", 1, 0).error().code, Errc::resource_exhausted);
  hub.close({"a", 1});
  EXPECT_TRUE(hub.open({"c", 1}, "w", 1, 0));
}

}  // namespace
}  // namespace kiln::coordinator
