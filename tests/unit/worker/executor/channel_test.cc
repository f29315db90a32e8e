#include "worker/executor/channel.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/worker/executor/scene.h"

namespace kiln::worker {
namespace {

TEST(Packing, gives_back_what_it_took) {
  RunMessage message;
  message.request.attempt = AttemptId{1, UINT64_MAX};
  message.request.argv = {"cc", "", std::string("nul\0byte", 8)};
  message.request.environment = {{"A", "b"}};
  message.request.lowers = {"/x", "/y z"};
  message.request.limits.wall_ms = 12;
  message.workspace = "/scratch/1";
  const auto back = unpack<RunMessage>(pack(message));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->request.attempt, message.request.attempt);
  EXPECT_EQ(back->request.argv, message.request.argv);
  EXPECT_EQ(back->request.environment, message.request.environment);
  EXPECT_EQ(back->request.lowers, message.request.lowers);
  EXPECT_EQ(back->request.limits, message.request.limits);
  EXPECT_EQ(back->workspace, message.workspace);
}

TEST(Packing, has_a_shape_that_tells_names_and_nesting) {
  Shape shape;
  shape.add(CreateMessage());
  shape.add(AttemptId());
  EXPECT_EQ(shape.text(),
            "{id# hostname$ held*{lowers*$ program$ proven# problem$ } }{client_epoch# number# }");
}

TEST(Packing, refuses_every_truncation_and_excess) {
  GoneMessage message{7, "exited with 1"};
  const auto bytes = pack(message);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(unpack<GoneMessage>(bytes.substr(0, size))) << size;
  }
  EXPECT_FALSE(unpack<GoneMessage>(bytes + "x"));
}

TEST(Channel, carries_messages_of_any_size_with_descriptors) {
  auto pair = Channel::make_pair();
  ASSERT_TRUE(pair);
  for (const std::size_t size : {0U, 1U, 32768U, 32769U, 3'000'000U}) {
    const std::string body(size, 'b');
    ASSERT_TRUE(pair->first.send(MessageKind::run, body, {0, 1}));
    const auto received = pair->second.receive();
    ASSERT_TRUE(received && *received) << size;
    EXPECT_EQ((*received)->kind, MessageKind::run);
    EXPECT_EQ((*received)->body, body);
    EXPECT_EQ((*received)->descriptors.size(), 2U);
  }
}

TEST(Channel, tells_nothing_yet_from_never_again) {
  auto pair = Channel::make_pair();
  ASSERT_TRUE(pair);
  auto received = pair->second.receive();
  ASSERT_TRUE(received);
  EXPECT_FALSE(*received);
  pair->first.close();
  EXPECT_EQ(pair->second.receive().error().code, Errc::unavailable);
  EXPECT_EQ(pair->second.send(MessageKind::stop).error().code, Errc::unavailable);
}

TEST(Channel, delivers_the_last_words_of_a_peer_that_did_not_listen) {
  auto pair = Channel::make_pair();
  ASSERT_TRUE(pair);
  ASSERT_TRUE(pair->first.send(MessageKind::cancel));
  ASSERT_TRUE(pair->second.send(MessageKind::finished, "last words"));
  pair->second.close();
  const auto received = pair->first.receive();
  ASSERT_TRUE(received && *received);
  EXPECT_EQ((*received)->body, "last words");
  EXPECT_FALSE(pair->first.receive());
}

TEST(Channel, says_so_when_descriptors_were_lost_on_the_way) {
  auto pair = Channel::make_pair();
  ASSERT_TRUE(pair);
  ASSERT_TRUE(pair->first.send(MessageKind::finished, "two files", {0, 1}));
  const NoMoreDescriptors tight;
  const auto received = pair->second.receive();
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().code, Errc::resource_exhausted);
}

TEST(CapturedStream, that_lost_its_file_is_not_empty) {
  const CapturedStream lost{UniqueFd(), 7};
  EXPECT_FALSE(lost.read());
  EXPECT_EQ(CapturedStream().read(), std::string());
}

}  // namespace
}  // namespace kiln::worker
