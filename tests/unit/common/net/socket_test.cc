// Router and Dealer over real sockets on loopback.
#include <string>
#include <thread>

#include "common/net/dealer.h"
#include "common/net/router.h"
#include "tests/unit/common/net/loop.h"

namespace kiln::net {
namespace {

// A router that echoes, and one dealer.
struct Pair {
  explicit Pair(const SocketOptions& options = {}) : router(open(options)) { connect(options); }

  std::unique_ptr<Router> open(const SocketOptions& options) {
    auto bound = std::move(*Router::bind(*loop, context, kAnyPort, options));
    bound->on_message([this](const PeerId& from, wire::Frames frames) {
      peer = from;
      at_router.push_back(std::move(frames));
    });
    bound->on_disconnect([this](const PeerId& gone) { lost.push_back(gone); });
    return bound;
  }
  void connect(const SocketOptions& options = {}) {
    dealer = std::move(*Dealer::connect(*loop, context, router->endpoint(), options));
    dealer->on_message([this](wire::Frames frames) { at_dealer.push_back(std::move(frames)); });
    dealer->on_state([this](bool up) { states.push_back(up); });
  }
  // Connects, and makes the router know the dealer.
  bool meet() {
    if (!loop.run_until([&] { return dealer->connected(); })) return false;
    const std::size_t before = at_router.size();
    EXPECT_TRUE(dealer->send({"hello"}));
    return loop.run_until([&] { return at_router.size() > before; });
  }

  Context context;
  Loop loop;
  std::vector<wire::Frames> at_router;
  std::vector<wire::Frames> at_dealer;
  std::vector<PeerId> lost;
  std::vector<bool> states;
  PeerId peer;
  std::unique_ptr<Router> router;
  std::unique_ptr<Dealer> dealer;
};

TEST(Sockets, frames_arrive_as_they_were_sent) {
  Pair pair;
  ASSERT_TRUE(pair.meet());
  const wire::Frames frames = {"", "abc", std::string(1 << 20, 'x'), std::string("\0\1", 2)};
  ASSERT_TRUE(pair.dealer->send(frames));
  ASSERT_TRUE(pair.loop.run_until([&] { return pair.at_router.size() == 2; }));
  EXPECT_EQ(pair.at_router[1], frames);
  ASSERT_TRUE(pair.router->send(pair.peer, frames));
  ASSERT_TRUE(pair.loop.run_until([&] { return pair.at_dealer.size() == 1; }));
  EXPECT_EQ(pair.at_dealer[0], frames);
  EXPECT_EQ(pair.states, std::vector<bool>{true});
}

TEST(Sockets, a_dealer_that_is_not_connected_says_so) {
  Pair pair;
  EXPECT_EQ(pair.dealer->send({"early"}).error().code, Errc::unavailable);
  EXPECT_FALSE(pair.dealer->connected());
}

TEST(Sockets, an_unknown_peer_is_unavailable) {
  Pair pair;
  EXPECT_EQ(pair.router->send("nobody", {"x"}).error().code, Errc::unavailable);
}

TEST(Sockets, oversized_and_empty_messages_are_refused_before_they_end_the_connection) {
  SocketOptions options;
  options.max_sent_bytes = 1000;
  Pair pair(options);
  ASSERT_TRUE(pair.meet());
  EXPECT_EQ(pair.router->send(pair.peer, {std::string(1001, 'x')}).error().code,
            Errc::invalid_argument);
  EXPECT_EQ(pair.router->send(pair.peer, {}).error().code, Errc::invalid_argument);
  EXPECT_TRUE(pair.router->send(pair.peer, {std::string(1000, 'x')}));
  EXPECT_TRUE(pair.loop.run_until([&] { return pair.at_dealer.size() == 1; }));
}

TEST(Sockets, a_frame_above_the_receivers_limit_ends_the_connection) {
  SocketOptions options;
  options.max_frame_bytes = 1000;
  Pair pair(options);
  pair.connect(SocketOptions());
  ASSERT_TRUE(pair.meet());
  ASSERT_TRUE(pair.dealer->send({std::string(1001, 'x')}));
  EXPECT_TRUE(pair.loop.run_until([&] { return pair.lost.size() == 1; }));
  EXPECT_EQ(pair.at_router.size(), 1U);
}

TEST(Sockets, a_message_with_too_many_frames_is_not_cut_but_emptied) {
  Pair pair;
  ASSERT_TRUE(pair.meet());
  ASSERT_TRUE(pair.dealer->send(wire::Frames(65'536, "x")));
  ASSERT_TRUE(pair.dealer->send(wire::Frames(65'537, "x")));
  ASSERT_TRUE(pair.loop.run_until([&] { return pair.at_router.size() == 3; }));
  EXPECT_EQ(pair.at_router[1].size(), 65'536U);
  EXPECT_TRUE(pair.at_router[2].empty());
}

TEST(Sockets, what_is_received_is_bounded_apart_from_what_is_sent) {
  SocketOptions options;
  options.max_frame_bytes = 1000;
  Pair pair(options);
  pair.connect(SocketOptions());
  ASSERT_TRUE(pair.meet());
  ASSERT_TRUE(pair.router->send(pair.peer, {std::string(5000, 'x')}));
  EXPECT_TRUE(pair.loop.run_until([&] { return pair.at_dealer.size() == 1; }));
}

TEST(Sockets, a_closed_dealer_is_reported_after_its_last_message) {
  Pair pair;
  ASSERT_TRUE(pair.meet());
  const PeerId first = pair.peer;
  pair.dealer.reset();
  ASSERT_TRUE(pair.loop.run_until([&] { return !pair.lost.empty(); }));
  EXPECT_EQ(pair.lost, std::vector<PeerId>{first});
  EXPECT_EQ(pair.router->send(first, {"x"}).error().code, Errc::unavailable);
}

TEST(Sockets, a_closed_dealer_is_reported_though_others_never_pause) {
  SocketOptions options;
  options.turn_messages = 1;
  Pair pair(options);
  ASSERT_TRUE(pair.meet());
  const PeerId first = pair.peer;
  auto closes = std::move(pair.dealer);
  pair.connect(options);
  ASSERT_TRUE(pair.meet());
  // More and more, so that something always waits to be received.
  pair.router->on_message([&](const PeerId&, wire::Frames) {
    for (int i = 0; i < 2; ++i) (void)pair.dealer->send({"x"});
  });
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(pair.dealer->send({"x"}));
  closes.reset();
  ASSERT_TRUE(pair.loop.run_until([&] { return !pair.lost.empty(); }));
  EXPECT_EQ(pair.lost, std::vector<PeerId>{first});
}

TEST(Sockets, a_restarted_process_is_another_peer) {
  Pair pair;
  ASSERT_TRUE(pair.meet());
  const PeerId first = pair.peer;
  pair.connect();
  ASSERT_TRUE(pair.meet());
  EXPECT_NE(pair.peer, first);
  ASSERT_TRUE(pair.loop.run_until([&] { return !pair.lost.empty(); }));
  EXPECT_EQ(pair.lost, std::vector<PeerId>{first});
  EXPECT_TRUE(pair.router->send(pair.peer, {"still here"}));
  EXPECT_TRUE(pair.loop.run_until([&] { return pair.at_dealer.size() == 1; }));
}

TEST(Sockets, a_dealer_finds_a_restarted_router) {
  Pair pair;
  ASSERT_TRUE(pair.meet());
  const std::string endpoint = pair.router->endpoint();
  pair.router.reset();
  ASSERT_TRUE(pair.loop.run_until([&] { return !pair.dealer->connected(); }));
  EXPECT_EQ(pair.dealer->send({"x"}).error().code, Errc::unavailable);
  // The port is free once ZeroMQ's thread has closed it.
  ASSERT_TRUE(pair.loop.run_until([&] {
    auto bound = Router::bind(*pair.loop, pair.context, endpoint);
    if (bound) pair.router = std::move(*bound);
    return bound.has_value();
  }));
  std::string got;
  pair.router->on_message([&](const PeerId&, wire::Frames frames) { got = frames.at(0); });
  ASSERT_TRUE(pair.loop.run_until([&] { return pair.dealer->connected(); }));
  ASSERT_TRUE(pair.dealer->send({"again"}));
  EXPECT_TRUE(pair.loop.run_until([&] { return got == "again"; }));
  EXPECT_EQ(pair.states, (std::vector<bool>{true, false, true}));
}

TEST(Sockets, addresses_that_cannot_be_used_are_errors) {
  Context context;
  Loop loop;
  auto first = Router::bind(*loop, context, kAnyPort);
  ASSERT_TRUE(first);
  EXPECT_EQ(Router::bind(*loop, context, (*first)->endpoint()).error().code, Errc::already_exists);
  EXPECT_FALSE(Router::bind(*loop, context, "tcp://192.0.2.1:0"));
  EXPECT_EQ(Router::bind(*loop, context, "ipc://x").error().code, Errc::invalid_argument);
  EXPECT_EQ(Dealer::connect(*loop, context, "tcp://*:1").error().code, Errc::invalid_argument);
}

// A peer whose reactor does not run: it reads nothing beyond ZeroMQ's own buffers.
class StalledPeer : public testing::Test {
 protected:
  StalledPeer() {
    options_.high_water_messages = 8;
    options_.queue_messages = 100;
    router_ = std::move(*Router::bind(*loop_, context_, kAnyPort, options_));
    router_->on_message([this](const PeerId& from, wire::Frames) { peer_ = from; });
    router_->on_disconnect([this](const PeerId&) { lost_ = true; });
    dealer_ = std::move(*Dealer::connect(*peer_loop_, context_, router_->endpoint(), options_));
    dealer_->on_message([this](wire::Frames frames) { got_.push_back(std::move(frames.at(0))); });
    EXPECT_TRUE(peer_loop_.run_until([&] { return dealer_->connected(); }));
    EXPECT_TRUE(dealer_->send({"hello"}));
    EXPECT_TRUE(loop_.run_until([&] { return !peer_.empty(); }));
  }

  static std::string numbered(std::size_t number) {
    return std::to_string(number) + std::string(1000, '.');
  }

  Context context_;
  Loop loop_;
  Loop peer_loop_;
  SocketOptions options_;
  PeerId peer_;
  bool lost_ = false;
  std::vector<std::string> got_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<Dealer> dealer_;
};

TEST_F(StalledPeer, what_was_accepted_arrives_in_order_and_the_rest_was_refused) {
  std::vector<std::string> accepted;
  std::size_t refused = 0;
  for (std::size_t i = 0; i < 20'000; ++i) {
    auto status = router_->send(peer_, {numbered(i)});
    if (status) {
      accepted.push_back(numbered(i));
    } else {
      ASSERT_EQ(status.error().code, Errc::resource_exhausted);
      ++refused;
    }
  }
  EXPECT_GT(refused, 0U);
  EXPECT_GT(router_->queued_bytes(peer_), 0U);
  EXPECT_LE(router_->queued_bytes(peer_), 101'000U * 2);
  std::thread resumed([&] {
    EXPECT_TRUE(peer_loop_.run_until([&] { return got_.size() == accepted.size(); }));
    loop_->stop();
  });
  loop_->run();
  resumed.join();
  EXPECT_EQ(got_, accepted);
  EXPECT_EQ(router_->queued_bytes(peer_), 0U);
}

TEST_F(StalledPeer, a_sender_that_waits_for_room_loses_nothing) {
  constexpr std::size_t kMessages = 10'000;
  std::size_t sent = 0;
  std::function<void()> fill = [&] {
    while (sent < kMessages && router_->send(peer_, {numbered(sent)})) ++sent;
    if (sent < kMessages) loop_->call_after(milliseconds(1), fill);
  };
  fill();
  std::thread resumed([&] {
    EXPECT_TRUE(peer_loop_.run_until([&] { return got_.size() == kMessages; }));
    loop_->stop();
  });
  loop_->run();
  resumed.join();
  ASSERT_EQ(got_.size(), kMessages);
  for (std::size_t i = 0; i < kMessages; ++i) ASSERT_EQ(got_[i], numbered(i));
}

TEST_F(StalledPeer, a_full_dealer_refuses_too) {
  Errc code = Errc::internal;
  for (int i = 0; i < 20'000 && code == Errc::internal; ++i) {
    auto status = dealer_->send({numbered(0)});
    if (!status) code = status.error().code;
  }
  EXPECT_EQ(code, Errc::resource_exhausted);
  EXPECT_GT(dealer_->queued_bytes(), 0U);
}

TEST_F(StalledPeer, one_that_leaves_takes_its_queue_with_it) {
  while (router_->send(peer_, {numbered(0)})) {
  }
  dealer_.reset();
  EXPECT_TRUE(loop_.run_until([&] { return lost_; }));
  EXPECT_EQ(router_->queued_bytes(peer_), 0U);
}

TEST(Sockets, a_flood_does_not_starve_timers) {
  SocketOptions options;
  options.turn_messages = 4;
  options.high_water_messages = 10'000;
  Pair pair(options);
  ASSERT_TRUE(pair.meet());
  constexpr std::size_t kMessages = 5'000;
  for (std::size_t i = 0; i < kMessages; ++i) ASSERT_TRUE(pair.dealer->send({"x"}));
  std::size_t turns = 0;
  std::function<void()> tick = [&] {
    ++turns;
    pair.loop->call_after(Duration::zero(), tick);
  };
  tick();
  ASSERT_TRUE(pair.loop.run_until([&] { return pair.at_router.size() == kMessages + 1; }));
  EXPECT_GE(turns, kMessages / 8);  // each turn may be entered twice: by descriptor and deferred
}

}  // namespace
}  // namespace kiln::net
