// A worker's or agent's end of the wire, made by hand: sends any message and remembers the answers.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/net/dealer.h"
#include "common/wire/codec.h"

namespace kiln::coordinator {

// Turns the reactor until `done`, or for `limit`; false when it did not come to pass.
template <typename Condition>
bool turn_until(net::Reactor& reactor, Condition&& done, Duration limit = seconds(10)) {
  const auto deadline = reactor.now() + limit;
  bool met = false;
  std::function<void()> look = [&] {
    met = done();
    if (met || reactor.now() >= deadline) return reactor.stop();
    reactor.call_after(milliseconds(1), look);
  };
  look();
  reactor.run();
  return met;
}

class Peer {
 public:
  // `keys`: the coordinator's, where the context has an identity. Waits until it is connected or
  // kept out.
  Peer(net::Reactor& reactor, net::Context& context, const std::string& endpoint,
       std::vector<PublicKey> keys = {})
      : reactor_(reactor) {
    net::SocketOptions options;
    options.peer_keys = std::move(keys);
    dealer_ = std::move(*net::Dealer::connect(reactor, context, endpoint, options));
    dealer_->on_message([this](wire::Frames frames) {
      auto envelope = wire::decode(std::move(frames));
      if (envelope) received.push_back(std::move(envelope->message));
    });
    dealer_->on_state([this](bool connected) { connections += connected ? 1 : 0; });
    turn_until(reactor_, [this] { return connections == 1 || dealer_->rejection(); });
  }

  bool send(const wire::Message& message) { return send_frames(wire::encode(message)); }
  bool send_frames(wire::Frames frames) { return dealer_->send(std::move(frames)).has_value(); }

  // The next message of this kind; messages before it are given to `others`. nullopt: none came in
  // time.
  template <typename Kind>
  std::optional<Kind> expect(const std::function<void(const wire::Message&)>& others = {}) {
    std::optional<Kind> found;
    turn_until(reactor_, [&] {
      while (!found && !received.empty()) {
        if (auto* kind = std::get_if<Kind>(&received.front())) {
          found = std::move(*kind);
        } else if (others) {
          others(received.front());
        }
        received.pop_front();
      }
      return found.has_value();
    });
    return found;
  }

  std::optional<net::Rejection> rejection() const { return dealer_->rejection(); }

  int connections = 0;  // made so far
  std::deque<wire::Message> received;

 private:
  net::Reactor& reactor_;
  std::unique_ptr<net::Dealer> dealer_;
};

}  // namespace kiln::coordinator
