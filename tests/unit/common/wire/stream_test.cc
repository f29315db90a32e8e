#include "common/wire/stream.h"

#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/unique_fd.h"
#include "tests/unit/common/wire/sample.h"

namespace kiln::wire {
namespace {

const Frames kFrames = {"", "abc", std::string(1000, 'x')};

TEST(Stream, layout_is_length_count_and_frames) {
  EXPECT_EQ(pack_stream({"ab", ""}), std::string("\0\0\0\x0e\0\0\0\2\0\0\0\2ab\0\0\0\0", 18));
}

TEST(Stream, messages_come_out_whole_however_the_bytes_arrive) {
  const std::string bytes = pack_stream(kFrames) + pack_stream({}) + pack_stream({"last"});
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
    StreamDecoder decoder;
    std::vector<Frames> got;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      ASSERT_TRUE(decoder.feed(std::string_view(bytes).substr(at, step)));
      while (auto frames = decoder.next()) got.push_back(std::move(*frames));
    }
    EXPECT_EQ(got, (std::vector<Frames>{kFrames, {}, {"last"}}));
  }
}

Errc code_of(std::string_view bytes, const StreamLimits& limits = {}) {
  auto status = StreamDecoder(limits).feed(bytes);
  EXPECT_FALSE(status);
  return status ? Errc::internal : status.error().code;
}

TEST(Stream, refuses_what_is_above_the_limits_before_it_arrives) {
  EXPECT_EQ(code_of("\xff\xff\xff\xff"), Errc::resource_exhausted);
  EXPECT_EQ(code_of(pack_stream(Frames(3)), {1000, 2}), Errc::resource_exhausted);
}

TEST(Stream, refuses_numbers_that_contradict_each_other) {
  EXPECT_EQ(code_of(std::string("\0\0\0\3\0\0\0", 7)), Errc::corrupt);
  EXPECT_EQ(code_of(std::string("\0\0\0\4\0\0\0\1", 8)), Errc::corrupt);
  EXPECT_EQ(code_of(std::string("\0\0\0\x09\0\0\0\1\0\0\0\2a", 13)), Errc::corrupt);
  EXPECT_EQ(code_of(std::string("\0\0\0\x0a\0\0\0\1\0\0\0\1ab", 14)), Errc::corrupt);
}

struct SocketPair {
  SocketPair() {
    int fds[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    a.reset(fds[0]);
    b.reset(fds[1]);
  }
  UniqueFd a;
  UniqueFd b;
};

TEST(Stream, blocking_ends_exchange_messages_of_any_size) {
  SocketPair pair;
  const Frames raw = {std::string(5 << 20, 'r'), "", std::string(100, 's')};
  const Message call = sample<Call>();
  std::thread sender([&] {
    EXPECT_TRUE(send_message(pair.a.get(), call, raw));
    EXPECT_TRUE(send_message(pair.a.get(), CallFailed{"no"}));
  });
  auto first = receive_message(pair.b.get());
  auto second = receive_message(pair.b.get());
  sender.join();
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->message == call);
  EXPECT_EQ(first->raw, raw);
  ASSERT_TRUE(second);
  EXPECT_EQ(std::get<CallFailed>(second->message).reason, "no");
}

TEST(Stream, a_closed_peer_is_unavailable) {
  SocketPair pair;
  ASSERT_EQ(::write(pair.a.get(), "\0\0", 2), 2);
  pair.a.reset();
  EXPECT_EQ(receive_message(pair.b.get()).error().code, Errc::unavailable);
  EXPECT_EQ(send_message(pair.b.get(), Ping{}).error().code, Errc::unavailable);
}

TEST(Stream, an_announced_giant_is_refused) {
  SocketPair pair;
  ASSERT_EQ(::write(pair.a.get(), "\xff\xff\xff\xff", 4), 4);
  EXPECT_EQ(receive_message(pair.b.get()).error().code, Errc::resource_exhausted);
}

}  // namespace
}  // namespace kiln::wire
