// Carries streams between the agents and the workers that cannot reach each other. It reads the
// routing frame of what travels and nothing else; what it keeps is bounded by the credits that the
// ends grant each other.
#pragma once

#include <optional>
#include <string>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/metrics/registry.h"
#include "common/net/router.h"
#include "common/wire/messages.h"
#include "common/wire/relay_frame.h"
#include "coordinator/relay/hub.h"

namespace kiln::coordinator {

enum class RelaySide : char { client = 'c', worker = 'w' };

// Nothing: not of a stream.
inline std::optional<wire::RelayFrame> relay_frame(const wire::Frames& frames) {
  return frames.empty() ? std::nullopt : wire::decode_relay(frames[0]);
}

class Relay {
 public:
  // The routers must outlive it.
  Relay(net::Router& clients, net::Router& workers, metrics::Registry& registry, Logger log);

  // A frame of a stream; everything else about streams are messages.
  void carry(RelaySide side, const net::PeerId& peer, const wire::RelayFrame& frame,
             wire::Frames frames);
  // Streams for the worker go to this connection. Answered by the same.
  void worker_joined(const net::PeerId& peer, const wire::RelayHello& hello);
  // An agent begins a stream.
  void open(const net::PeerId& agent, wire::RelayOpen open);
  // A worker has taken it.
  void taken(const net::PeerId& worker, wire::RelayOpen open);
  void close(RelaySide side, const net::PeerId& peer, wire::RelayClose close);
  // The connection is gone.
  void gone(RelaySide side, const net::PeerId& peer);

 private:
  static RelayEnd end_of(RelaySide side, const net::PeerId& peer, std::uint64_t stream);
  // The connection that the end is of.
  Status send(const RelayEnd& end, wire::Frames frames);
  void tell_closed(const RelayEnd& end, const Error& why);
  // Ends a stream of which an end did what nobody would.
  void break_off(const RelayEnd& end, const Error& why);
  void publish();

  net::Router& clients_;
  net::Router& workers_;
  Logger log_;
  RelayHub hub_;
  metrics::Gauge streams_;
  metrics::Counter to_workers_;
  metrics::Counter to_clients_;
  metrics::CounterFamily ended_;
};

}  // namespace kiln::coordinator
