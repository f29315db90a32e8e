// The connecting end of a ZeroMQ connection: one peer, found again whenever the connection breaks.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/net/context.h"
#include "common/net/reactor.h"
#include "common/net/router.h"
#include "common/wire/codec.h"

namespace kiln::net {

class Dealer {
 public:
  // Starts to connect, with a fresh random routing id, and goes on trying every 100 ms to 2 s.
  // Errc::invalid_argument for an address that cannot be one. `reactor` and `context` must outlive
  // the dealer, which is used on the reactor's thread only.
  static Result<std::unique_ptr<Dealer>> connect(Reactor& reactor, Context& context,
                                                 const std::string& endpoint,
                                                 const SocketOptions& options = {});
  // Not from within its own callbacks: see Reactor::defer.
  ~Dealer();
  Dealer(const Dealer&) = delete;
  Dealer& operator=(const Dealer&) = delete;

  void on_message(std::function<void(wire::Frames)> fn);
  // Called at every change. After `false`, what was sent and not answered may be lost: say hello
  // again after `true` and ask.
  void on_state(std::function<void(bool connected)> fn);
  bool connected() const;

  // Errc::unavailable: not connected; nothing is kept. Errc::resource_exhausted: the peer does not
  // read and the queue is full; nothing was queued. Errc::invalid_argument: a frame above the
  // limit.
  Status send(wire::Frames frames);

  // What waits beyond ZeroMQ's own queue.
  std::size_t queued_bytes() const;

 private:
  struct State;
  explicit Dealer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kiln::net
