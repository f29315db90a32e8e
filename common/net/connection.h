// The connecting end of a connection to one peer, whatever way it takes.
#pragma once

#include <functional>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/wire/codec.h"

namespace kiln::net {

class Connection {
 public:
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  // Not from within its own callbacks: see Reactor::defer.
  virtual ~Connection() = default;

  virtual void on_message(std::function<void(wire::Frames)> fn) = 0;
  // Called at every change. After `false`, what was sent and not answered may be lost: say hello
  // again after `true` and ask.
  virtual void on_state(std::function<void(bool connected)> fn) = 0;
  virtual bool connected() const = 0;

  // Errc::unavailable: not connected; nothing is kept. Errc::resource_exhausted: the peer does not
  // read and the queue is full; nothing was queued. Errc::invalid_argument: a frame above the
  // limit.
  virtual Status send(wire::Frames frames) = 0;

  // How long it may be without connection, as things stand, before the peer is as good as gone.
  virtual Duration patience() const = 0;

  // Whether what carries it is silent as a whole, so that the peer's silence tells nothing of the
  // peer.
  virtual bool is_stalled() const { return false; }
};

}  // namespace kiln::net
