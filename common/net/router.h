// The serving end of a ZeroMQ connection: many peers, each addressed by its routing id.
//
// ZeroMQ loses silently unless told not to, so every send either reaches the peer's connection,
// waits in a bounded queue, or is an error; and every connection that ends is reported.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/net/context.h"
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
};

// The routing id of a connection; fresh whenever the peer's process starts.
using PeerId = std::string;

class Router {
 public:
  // `endpoint`: tcp://host:port; host "*" is every interface, port 0 any free one. `reactor` and
  // `context` must outlive the router, which is used on the reactor's thread only.
  static Result<std::unique_ptr<Router>> bind(Reactor& reactor, Context& context,
                                              const std::string& endpoint,
                                              const SocketOptions& options = {});
  // Not from within its own callbacks: see Reactor::defer.
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // With the port that the system chose.
  const std::string& endpoint() const;

  void on_message(std::function<void(const PeerId&, wire::Frames)> fn);
  // The peer's connection is gone, and with it what was queued for the peer. Reported once, for
  // peers that have sent at least one message. A peer that connects again starts afresh.
  void on_disconnect(std::function<void(const PeerId&)> fn);

  // Errc::unavailable: no such peer (any more). Errc::resource_exhausted: the peer does not read
  // and its queue is full; nothing was queued. Errc::invalid_argument: a frame above the limit.
  Status send(const PeerId& peer, wire::Frames frames);

  // What waits for `peer` beyond ZeroMQ's own queue.
  std::size_t queued_bytes(const PeerId& peer) const;

 private:
  struct State;
  explicit Router(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kiln::net
