// Two ends of streams, with a line between them that a test can cut.
#include "common/net/relay_mux.h"

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/net/relay_listener.h"

namespace kiln::net {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// Carries what one end sends to the other, when it is told to.
struct Line {
  RelayMux::Send sender(std::deque<wire::Frames>& queue) {
    return [this, &queue](wire::Frames frames) -> Status {
      if (room == 0) return fail(Errc::resource_exhausted, "the line is full");
      --room;
      queue.push_back(std::move(frames));
      return {};
    };
  }
  void carry() {
    while (!to_worker.empty() || !to_agent.empty()) {
      if (!to_worker.empty()) worker.receive(take(to_worker));
      if (!to_agent.empty()) agent.receive(take(to_agent));
    }
  }
  static wire::Frames take(std::deque<wire::Frames>& queue) {
    auto frames = std::move(queue.front());
    queue.pop_front();
    return frames;
  }

  std::size_t room = 1'000'000;
  std::deque<wire::Frames> to_worker;
  std::deque<wire::Frames> to_agent;
  RelayMux agent{sender(to_worker)};
  RelayMux worker{sender(to_agent)};
};

class RelayMuxTest : public testing::Test {
 protected:
  RelayMuxTest() {
    line_.worker.on_open([this](StreamId stream, const wire::RelayOpen& open) {
      return listener_.accept(line_.worker, stream, open);
    });
    listener_.on_message([this](const PeerId& peer, wire::Frames frames) {
      peer_ = peer;
      at_worker_.push_back(frames.at(0));
    });
    listener_.on_disconnect([this](const PeerId& peer) { gone_.push_back(peer); });
  }
  ~RelayMuxTest() override {
    line_.worker.lost({Errc::cancelled, "the test is over"});
    line_.agent.lost({Errc::cancelled, "the test is over"});
  }
  StreamId open() {
    RelayMux::Ears ears;
    ears.opened = [this] { ++opened_; };
    ears.message = [this](wire::Frames frames) { at_agent_.push_back(frames.at(0)); };
    ears.closed = [this](const Error& why) { closed_.push_back(why.code); };
    return line_.agent.open("w", 1, wire::RelayChannel::task, std::move(ears));
  }

  Line line_;
  RelayListener listener_{false};
  std::vector<std::string> at_worker_;
  std::vector<std::string> at_agent_;
  std::vector<PeerId> gone_;
  std::vector<Errc> closed_;
  PeerId peer_;
  int opened_ = 0;
};

TEST_F(RelayMuxTest, messages_go_both_ways_also_those_sent_before_it_was_taken) {
  const auto stream = open();
  ASSERT_TRUE(line_.agent.send(stream, {"early"}));
  EXPECT_EQ(opened_, 0);
  line_.carry();
  EXPECT_EQ(opened_, 1);
  ASSERT_THAT(at_worker_, ElementsAre("early"));
  ASSERT_TRUE(listener_.send(peer_, {"answer"}));
  line_.carry();
  EXPECT_THAT(at_agent_, ElementsAre("answer"));
}

TEST_F(RelayMuxTest, much_more_than_a_window_arrives_whole) {
  const auto stream = open();
  const std::string large(std::size_t{30} << 20, 'x');
  ASSERT_TRUE(line_.agent.send(stream, {large}));
  line_.carry();
  ASSERT_THAT(at_worker_, SizeIs(1));
  EXPECT_EQ(at_worker_[0], large);
}

TEST_F(RelayMuxTest, an_end_that_does_not_read_is_sent_no_more_than_its_window) {
  const auto stream = open();
  line_.carry();
  line_.room = 1'000'000;
  ASSERT_TRUE(line_.agent.send(stream, {std::string(std::size_t{10} << 20, 'x')}));
  std::size_t bytes = 0;
  for (const auto& frames : line_.to_worker) bytes += frames.at(1).size();
  EXPECT_EQ(bytes, RelayLimits().window_bytes);
}

TEST_F(RelayMuxTest, the_windows_of_many_streams_are_smaller) {
  for (int i = 0; i < 200; ++i) open();
  line_.carry();
  const auto last = open();
  line_.carry();
  ASSERT_TRUE(line_.agent.send(last, {std::string(std::size_t{10} << 20, 'x')}));
  std::size_t bytes = 0;
  for (const auto& frames : line_.to_worker) bytes += frames.at(1).size();
  EXPECT_EQ(bytes, std::size_t{64} << 10);
}

TEST_F(RelayMuxTest, either_end_closes_it) {
  const auto stream = open();
  ASSERT_TRUE(line_.agent.send(stream, {"hello"}));
  line_.carry();
  line_.agent.close(stream, {Errc::cancelled, "done"});
  EXPECT_EQ(line_.agent.send(stream, {"more"}).error().code, Errc::unavailable);
  line_.carry();
  EXPECT_THAT(gone_, ElementsAre(peer_));
  EXPECT_EQ(listener_.send(peer_, {"late"}).error().code, Errc::unavailable);
  EXPECT_THAT(closed_, IsEmpty()) << "who closes hears nothing of it";
}

TEST_F(RelayMuxTest, a_line_that_breaks_ends_every_stream_at_both_ends) {
  const auto stream = open();
  open();
  ASSERT_TRUE(line_.agent.send(stream, {"hello"}));
  line_.carry();
  line_.agent.lost({Errc::unavailable, "cut"});
  line_.worker.lost({Errc::unavailable, "cut"});
  EXPECT_THAT(closed_, ElementsAre(Errc::unavailable, Errc::unavailable));
  EXPECT_THAT(gone_, SizeIs(2));
  EXPECT_EQ(line_.agent.streams() + line_.worker.streams(), 0U);
}

TEST_F(RelayMuxTest, a_stream_without_room_ends_when_it_is_swept_and_not_before) {
  const auto stream = open();
  line_.carry();
  line_.room = 3;
  ASSERT_TRUE(line_.agent.send(stream, {std::string(std::size_t{10} << 20, 'x')}));
  EXPECT_THAT(closed_, IsEmpty());
  EXPECT_EQ(line_.agent.send(stream, {"more"}).error().code, Errc::unavailable);
  line_.room = 1'000'000;
  line_.agent.sweep();
  EXPECT_THAT(closed_, ElementsAre(Errc::resource_exhausted));
  line_.carry();
  EXPECT_THAT(gone_, SizeIs(1));
}

TEST_F(RelayMuxTest, nobody_but_a_worker_takes_streams) {
  wire::RelayOpen open;
  open.stream = 9;
  line_.agent.receive(wire::encode(open));
  EXPECT_EQ(line_.agent.streams(), 0U);
}

TEST_F(RelayMuxTest, what_is_no_message_ends_its_stream_alone) {
  const auto stream = open();
  open();
  line_.carry();
  line_.worker.receive(
      {wire::encode_relay({wire::RelayKind::data, stream, 0}), std::string(8, '\xff')});
  EXPECT_THAT(gone_, SizeIs(1));
  line_.carry();
  EXPECT_THAT(closed_, SizeIs(1));
  EXPECT_EQ(line_.agent.streams(), 1U);
}

TEST_F(RelayMuxTest, messages_of_no_stream_are_given_back) {
  const auto pong = line_.agent.receive(wire::encode(wire::Pong{7}));
  ASSERT_TRUE(pong);
  EXPECT_TRUE(std::holds_alternative<wire::Pong>(pong->message));
}

// ---- RelayListener with keys
// -------------------------------------------------------------------------------------

class KeyedListenerTest : public testing::Test {
 protected:
  KeyedListenerTest() {
    listener_.set_guard([this](const PublicKey& key) { return key == admitted_; });
    listener_.on_disconnect([this](const PeerId& peer) { gone_.push_back(peer); });
    mux_.on_open([this](StreamId stream, const wire::RelayOpen& open) {
      return listener_.accept(mux_, stream, open);
    });
  }
  void open(StreamId stream, const PublicKey& key) {
    wire::RelayOpen open;
    open.stream = stream;
    open.key = key;
    mux_.receive(wire::encode(open));
  }
  static PublicKey key(std::uint8_t first) {
    PublicKey made;
    made.bytes[0] = first;
    return made;
  }

  PublicKey admitted_ = key(1);
  RelayListener listener_{true};
  std::vector<wire::Frames> sent_;
  std::vector<PeerId> gone_;
  RelayMux mux_{[this](wire::Frames frames) -> Status {
    sent_.push_back(std::move(frames));
    return {};
  }};
};

TEST_F(KeyedListenerTest, another_key_or_none_is_refused) {
  open(1, key(2));
  open(2, PublicKey());
  EXPECT_EQ(mux_.streams(), 0U);
  ASSERT_THAT(sent_, SizeIs(2));
  const auto refusal = wire::decode(sent_[0]);
  const auto* close = std::get_if<wire::RelayClose>(&refusal->message);
  ASSERT_NE(close, nullptr);
  EXPECT_EQ(close->code, name(Errc::permission_denied));
}

TEST_F(KeyedListenerTest, one_that_is_not_admitted_any_more_is_told_and_cut_off) {
  open(1, key(1));
  ASSERT_EQ(mux_.streams(), 1U);
  listener_.review(wire::encode(wire::Pong{1}));
  EXPECT_EQ(mux_.streams(), 1U);
  admitted_ = key(2);
  listener_.review(wire::encode(wire::Pong{1}));
  EXPECT_EQ(mux_.streams(), 0U);
  EXPECT_THAT(gone_, SizeIs(1));
}

TEST_F(RelayMuxTest, what_cannot_be_read_is_dropped_counted_and_told_of) {
  std::vector<Error> told;
  line_.worker.on_unreadable([&](const Error& error) { told.push_back(error); });
  EXPECT_FALSE(line_.worker.receive({"no message"}));
  EXPECT_FALSE(line_.worker.receive({wire::encode_relay({wire::RelayKind::data, 1, 0})}));
  EXPECT_EQ(line_.worker.unreadable(), 2U);
  EXPECT_THAT(told, SizeIs(2));
}

}  // namespace
}  // namespace kiln::net
