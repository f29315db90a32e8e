// Keys on real sockets: who gets in, who does not and learns why, and who is cut off.
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <zmq.h>

#include "common/net/bulk.h"
#include "common/net/dealer.h"
#include "common/net/endpoint.h"
#include "common/net/gatekeeper.h"
#include "common/net/router.h"
#include "tests/unit/common/net/loop.h"

namespace kiln::net {
namespace {

KeyPair fresh_pair() {
  std::array<char, 41> public_text{};
  std::array<char, 41> secret_text{};
  EXPECT_EQ(zmq_curve_keypair(public_text.data(), secret_text.data()), 0);
  KeyPair pair;
  std::array<std::uint8_t, kKeyBytes> secret{};
  zmq_z85_decode(pair.public_key.bytes.data(), public_text.data());
  zmq_z85_decode(secret.data(), secret_text.data());
  pair.secret_key = SecretKey(secret);
  return pair;
}

// A farm's router behind a gatekeeper that admits the keys in `allowed`.
struct Gate {
  Gate() {
    context.set_identity(own);
    keeper = std::move(*Gatekeeper::open(*loop, context, [this](const Visitor& visitor) {
      visitors.push_back(visitor);
      return admits(visitor.key);
    }));
    SocketOptions options;
    options.domain = "clients";
    router = std::move(*Router::bind(*loop, context, kAnyPort, options));
    router->set_guard([this](const PublicKey& key) { return admits(key); });
    router->on_message([this](const PeerId& from, wire::Frames frames) {
      peer = from;
      heard.push_back(frames.at(0));
    });
    router->on_disconnect([this](const PeerId&) { ++lost; });
  }
  bool admits(const PublicKey& key) const {
    return std::find(allowed.begin(), allowed.end(), key) != allowed.end();
  }

  Context context;
  Loop loop;
  KeyPair own = fresh_pair();
  std::vector<PublicKey> allowed;
  std::vector<Visitor> visitors;
  std::vector<std::string> heard;
  PeerId peer;
  int lost = 0;
  std::unique_ptr<Gatekeeper> keeper;
  std::unique_ptr<Router> router;
};

// A program with keys of its own that connects to a gate.
struct Guest {
  explicit Guest(Gate& its_gate) : Guest(its_gate, {its_gate.own.public_key}) {}
  Guest(Gate& its_gate, std::vector<PublicKey> peer_keys) : gate(its_gate) {
    context.set_identity(own);
    SocketOptions options;
    options.peer_keys = std::move(peer_keys);
    dealer = std::move(*Dealer::connect(*gate.loop, context, gate.router->endpoint(), options));
    dealer->on_message([this](wire::Frames frames) { last_words = frames.at(0); });
  }
  bool connects() {
    return gate.loop.run_until([&] { return dealer->connected(); });
  }
  bool is_rejected(Rejection why) {
    return gate.loop.run_until([&] { return dealer->rejection() == why; });
  }
  // Once `count` messages were heard in all.
  bool says(const std::string& word, std::size_t count) {
    EXPECT_TRUE(dealer->send({word}));
    return gate.loop.run_until([&] { return gate.heard.size() == count; });
  }

  Gate& gate;
  KeyPair own = fresh_pair();
  Context context;
  std::string last_words;
  std::unique_ptr<Dealer> dealer;
};

TEST(Curve, a_user_id_is_read_as_it_was_written) {
  const auto key = fresh_pair().public_key;
  EXPECT_EQ(key_of_user(user_id(key)), key);
  EXPECT_EQ(key_of_user(user_id(key) + "0"), std::nullopt);
  EXPECT_EQ(key_of_user(std::string(64, 'x')), std::nullopt);
  EXPECT_EQ(key_of_user(std::string(64, '-')), std::nullopt);
}

TEST(Curve, an_allowed_key_gets_in_and_is_known_by_its_key) {
  Gate gate;
  Guest guest(gate);
  gate.allowed.push_back(guest.own.public_key);
  ASSERT_TRUE(guest.connects());
  ASSERT_TRUE(guest.says("hello", 1));
  EXPECT_EQ(gate.router->key_of(gate.peer), guest.own.public_key);
  EXPECT_EQ(gate.router->key_of("nobody"), std::nullopt);
  EXPECT_EQ(guest.dealer->rejection(), std::nullopt);
  EXPECT_EQ(gate.visitors.back().domain, "clients");
  EXPECT_EQ(gate.visitors.back().address, "127.0.0.1");
  EXPECT_EQ(gate.visitors.back().key, guest.own.public_key);
}

TEST(Curve, an_unknown_key_is_told_so_and_gets_in_once_it_is_allowed) {
  Gate gate;
  Guest guest(gate);
  ASSERT_TRUE(guest.is_rejected(Rejection::not_allowed));
  EXPECT_FALSE(guest.dealer->connected());
  EXPECT_EQ(guest.dealer->send({"x"}).error().code, Errc::unavailable);
  gate.allowed.push_back(guest.own.public_key);
  ASSERT_TRUE(guest.connects());
  EXPECT_EQ(guest.dealer->rejection(), std::nullopt);
  EXPECT_TRUE(guest.says("hello", 1));
}

TEST(Curve, who_has_no_key_is_told_so) {
  Gate gate;
  Context context;
  const auto dealer = std::move(*Dealer::connect(*gate.loop, context, gate.router->endpoint()));
  EXPECT_TRUE(
      gate.loop.run_until([&] { return dealer->rejection() == Rejection::other_mechanism; }));
  EXPECT_TRUE(gate.visitors.empty());
}

TEST(Curve, a_key_is_of_no_use_where_there_are_none) {
  Context open;
  Context keyed;
  keyed.set_identity(fresh_pair());
  Loop loop;
  const auto router = std::move(*Router::bind(*loop, open, kAnyPort));
  SocketOptions options;
  options.peer_keys = {fresh_pair().public_key};
  const auto dealer = std::move(*Dealer::connect(*loop, keyed, router->endpoint(), options));
  EXPECT_TRUE(loop.run_until([&] { return dealer->rejection() == Rejection::other_mechanism; }));
}

TEST(Curve, another_servers_key_makes_no_connection) {
  Gate gate;
  Guest guest(gate, {fresh_pair().public_key});
  gate.allowed.push_back(guest.own.public_key);
  EXPECT_TRUE(guest.is_rejected(Rejection::no_handshake));
  EXPECT_TRUE(gate.visitors.empty());
}

TEST(Curve, any_of_the_peers_keys_will_do) {
  Gate gate;
  Guest guest(gate, {fresh_pair().public_key, fresh_pair().public_key, gate.own.public_key});
  gate.allowed.push_back(guest.own.public_key);
  bool despaired = false;
  guest.dealer->on_state([&](bool) { despaired = despaired || guest.dealer->rejection(); });
  EXPECT_TRUE(guest.connects());
  EXPECT_FALSE(despaired) << "there were keys left to try";
}

TEST(Curve, only_when_all_of_the_peers_keys_were_tried_they_are_said_to_be_wrong) {
  Gate gate;
  Guest guest(gate, {fresh_pair().public_key, fresh_pair().public_key});
  gate.allowed.push_back(guest.own.public_key);
  const TimePoint begun = gate.loop->now();
  EXPECT_TRUE(guest.is_rejected(Rejection::no_handshake));
  EXPECT_GE(gate.loop->now() - begun, milliseconds(100)) << "the second key comes so much later";
}

TEST(Curve, who_has_keys_does_not_connect_without_any_key_of_its_peer) {
  Gate gate;
  Context context;
  context.set_identity(fresh_pair());
  const auto dealer = Dealer::connect(*gate.loop, context, gate.router->endpoint());
  EXPECT_EQ(dealer.error().code, Errc::permission_denied);
}

TEST(Curve, a_key_in_the_address_is_the_one_that_the_peer_must_have) {
  Gate gate;
  Context context;
  const auto pair = fresh_pair();
  context.set_identity(pair);
  gate.allowed.push_back(pair.public_key);
  auto address = *parse_endpoint(gate.router->endpoint(), 0);
  SocketOptions options;
  options.peer_keys = {fresh_pair().public_key};
  address.key = gate.own.public_key;
  const auto right = std::move(*Dealer::connect(*gate.loop, context, address.text(), options));
  EXPECT_TRUE(gate.loop.run_until([&] { return right->connected(); }));
  address.key = fresh_pair().public_key;
  const auto wrong = std::move(*Dealer::connect(*gate.loop, context, address.text()));
  EXPECT_TRUE(gate.loop.run_until([&] { return wrong->rejection() == Rejection::no_handshake; }));
  Context nobody;
  EXPECT_EQ(Dealer::connect(*gate.loop, nobody, address.text()).error().code,
            Errc::permission_denied);
}

TEST(Curve, without_a_gatekeeper_nobody_is_heard) {
  Gate gate;
  gate.router->set_guard({});
  gate.keeper.reset();
  Guest early(gate);
  ASSERT_TRUE(early.connects());
  ASSERT_TRUE(early.dealer->send({"unheard"}));

  // It goes on trying, and what it said would be heard once it is let in.
  gate.keeper = std::move(*Gatekeeper::open(*gate.loop, gate.context, [&](const Visitor& visitor) {
    return visitor.key != early.own.public_key;
  }));
  Guest late(gate);
  ASSERT_TRUE(late.connects());
  ASSERT_TRUE(late.says("heard", 1));
  EXPECT_EQ(gate.heard, std::vector<std::string>{"heard"});
}

TEST(Curve, a_peer_that_is_admitted_no_more_is_told_and_heard_no_more) {
  Gate gate;
  Guest guest(gate);
  Guest stays(gate);
  gate.allowed = {guest.own.public_key, stays.own.public_key};
  ASSERT_TRUE(guest.connects());
  ASSERT_TRUE(guest.says("hello", 1));
  const PeerId cut = gate.peer;
  ASSERT_TRUE(stays.connects());
  ASSERT_TRUE(stays.says("hello", 2));

  gate.allowed = {stays.own.public_key};
  gate.router->review({"your key was revoked"});

  EXPECT_EQ(gate.lost, 1);
  EXPECT_EQ(gate.router->send(cut, {"x"}).error().code, Errc::unavailable);
  ASSERT_TRUE(gate.loop.run_until([&] { return !guest.last_words.empty(); }));
  EXPECT_EQ(guest.last_words, "your key was revoked");
  ASSERT_TRUE(guest.dealer->send({"unheard"}));
  ASSERT_TRUE(stays.says("heard", 3));
  // What the other sent may be on its way still; it is dropped when it comes.
  ASSERT_TRUE(stays.says("heard too", 4));
  EXPECT_EQ(gate.heard, (std::vector<std::string>{"hello", "hello", "heard", "heard too"}));
  EXPECT_EQ(gate.lost, 1);
}

TEST(Curve, a_peer_that_was_cut_off_gets_in_again_by_another_connection) {
  Gate gate;
  Guest guest(gate);
  gate.allowed = {guest.own.public_key};
  ASSERT_TRUE(guest.connects());
  ASSERT_TRUE(guest.says("hello", 1));
  gate.allowed.clear();
  gate.router->review({"bye"});
  ASSERT_TRUE(gate.loop.run_until([&] { return !guest.last_words.empty(); }));
  guest.dealer->restart();
  EXPECT_FALSE(guest.dealer->connected());
  ASSERT_TRUE(guest.is_rejected(Rejection::not_allowed));
  gate.allowed = {guest.own.public_key};
  ASSERT_TRUE(guest.connects());
  EXPECT_TRUE(guest.says("hello again", 2));
}

TEST(Curve, who_was_admitted_and_said_nothing_until_it_was_revoked_is_not_heard) {
  Gate gate;
  Guest guest(gate);
  Guest stays(gate);
  gate.allowed = {guest.own.public_key, stays.own.public_key};
  ASSERT_TRUE(guest.connects());
  ASSERT_TRUE(stays.connects());
  gate.allowed = {stays.own.public_key};
  gate.router->review({"bye"});
  ASSERT_TRUE(guest.dealer->send({"unheard"}));
  ASSERT_TRUE(stays.says("heard", 1));
  ASSERT_TRUE(stays.says("heard too", 2));
  EXPECT_EQ(gate.heard, (std::vector<std::string>{"heard", "heard too"}));
}

}  // namespace
}  // namespace kiln::net
