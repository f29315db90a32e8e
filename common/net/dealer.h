// The connecting end of a ZeroMQ connection: one peer, found again whenever the connection breaks.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/net/connection.h"
#include "common/net/context.h"
#include "common/net/curve.h"
#include "common/net/reactor.h"
#include "common/net/router.h"
#include "common/wire/codec.h"

namespace kiln::net {

class Dealer final : public Connection {
 public:
  // Starts to connect, with a fresh random routing id, and goes on trying every 100 ms to 2 s.
  // Errc::invalid_argument for an address that cannot be one. A key in `endpoint` is the one that
  // the peer must have, in the place of those in `options`; who has an identity never connects in
  // the clear: Errc::permission_denied without any key of the peer, or with one and no identity.
  // `reactor` and `context` must outlive
  // the dealer, which is used on the reactor's thread only.
  static Result<std::unique_ptr<Dealer>> connect(Reactor& reactor, Context& context,
                                                 const std::string& endpoint,
                                                 const SocketOptions& options = {});
  ~Dealer() override;

  void on_message(std::function<void(wire::Frames)> fn) override;
  // Also of changes of rejection().
  void on_state(std::function<void(bool connected)> fn) override;
  bool connected() const override;
  Status send(wire::Frames frames) override;
  Duration patience() const override;
  // Why the last try came to nothing although the peer was reached; nothing once connected, and
  // while there are keys of the peer that have not been tried. The dealer goes on trying, each
  // second, with the next of its peer's keys.
  std::optional<Rejection> rejection() const;

  // Ends the connection, if there is one, and begins anew. Also from within a callback: it happens
  // a while later, and connected() says so at once.
  void restart();

  // What waits beyond ZeroMQ's own queue.
  std::size_t queued_bytes() const;

 private:
  struct State;
  explicit Dealer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kiln::net
