// The serving end of connections: many peers, each known by an id of its connection.
#pragma once

#include <functional>
#include <string>

#include "common/base/result.h"
#include "common/model/key.h"
#include "common/wire/codec.h"

namespace kiln::net {

// Of a connection; fresh whenever the peer's process starts.
using PeerId = std::string;

class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  // Not from within its own callbacks: see Reactor::defer.
  virtual ~Listener() = default;

  virtual void on_message(std::function<void(const PeerId&, wire::Frames)> fn) = 0;
  // The peer's connection is gone, and with it what was queued for the peer. Reported once, for all
  // peers that have sent a message; perhaps for others. A peer that connects again starts afresh.
  virtual void on_disconnect(std::function<void(const PeerId&)> fn) = 0;

  // Errc::unavailable: no such peer (any more). Errc::resource_exhausted: the peer does not read
  // and its queue is full; nothing was queued. Errc::invalid_argument: a frame above the limit.
  virtual Status send(const PeerId& peer, wire::Frames frames) = 0;

  // With an identity: who is served, asked at the first message of each connection, since a
  // connection that was admitted may say nothing for long. Others are not heard.
  virtual void set_guard(std::function<bool(const PublicKey&)> admitted) = 0;
  // Ends the connections of the peers that the guard does not admit any more, with `farewell` as
  // the last message to them: what they send is dropped, and on_disconnect is called for each.
  virtual void review(const wire::Frames& farewell) = 0;
};

}  // namespace kiln::net
