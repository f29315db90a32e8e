// The serving end of ZeroMQ connections.
//
// ZeroMQ loses silently unless told not to, so every send either reaches the peer's connection,
// waits in a bounded queue, or is an error; and every connection that ends is reported.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/model/key.h"
#include "common/net/context.h"
#include "common/net/listener.h"
#include "common/net/reactor.h"
#include "common/wire/codec.h"

namespace kiln::net {

// Limits of one socket, Router or Dealer.
struct SocketOptions {
  std::size_t max_frame_bytes = std::size_t{64}
                                << 20;                 // received; a larger one ends the connection
  std::size_t max_sent_bytes = std::size_t{64} << 20;  // of a frame; a larger one is not sent
  int high_water_messages = 256;                       // in ZeroMQ's own queue, per peer
  std::size_t queue_messages = 4096;                   // waiting beyond that, per peer
  std::size_t queue_bytes = std::size_t{64} << 20;     // likewise
  int turn_messages = 256;                             // received before timers get their turn
  // Where the context has an identity. Of a Router: its name in questions to the Gatekeeper, not
  // empty; without one connections come about, but nobody is heard.
  std::string domain;
  // Likewise, of a Dealer whose address has no key: those that its peer may have, one of them. They
  // are tried in turn.
  std::vector<PublicKey> peer_keys;
};

// Peers are known by their routing ids.
class Router final : public Listener {
 public:
  // `endpoint`: tcp://host:port; host "*" is every interface, port 0 any free one. `reactor` and
  // `context` must outlive the router, which is used on the reactor's thread only.
  static Result<std::unique_ptr<Router>> bind(Reactor& reactor, Context& context,
                                              const std::string& endpoint,
                                              const SocketOptions& options = {});
  ~Router() override;

  // With the port that the system chose.
  const std::string& endpoint() const;

  void on_message(std::function<void(const PeerId&, wire::Frames)> fn) override;
  void on_disconnect(std::function<void(const PeerId&)> fn) override;
  Status send(const PeerId& peer, wire::Frames frames) override;

  // The key that `peer` has proved to own; nothing without an identity, and for an unknown peer.
  std::optional<PublicKey> key_of(const PeerId& peer) const;
  void set_guard(std::function<bool(const PublicKey&)> admitted) override;
  void review(const wire::Frames& farewell) override;

  // What waits for `peer` beyond ZeroMQ's own queue.
  std::size_t queued_bytes(const PeerId& peer) const;

 private:
  struct State;
  explicit Router(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kiln::net
