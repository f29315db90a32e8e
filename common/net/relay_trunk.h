// A connection to a coordinator for streams: of an agent to its client port, of a worker, which
// says who it is, to its worker port. Apart from the connection for leases and orders, which large
// blobs must not delay.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/net/context.h"
#include "common/net/dealer.h"
#include "common/net/reactor.h"
#include "common/net/relay_mux.h"
#include "common/net/silence.h"
#include "common/wire/messages.h"

namespace kiln::net {

class RelayTrunk {
 public:
  // Starts to connect and goes on trying, as Dealer does. `hello`: of a worker; said again until
  // the coordinator, which must have welcomed that worker, answers. `reactor` and `context` must
  // outlive the trunk, which is used on the reactor's thread only.
  static Result<std::unique_ptr<RelayTrunk>> connect(
      Reactor& reactor, Context& context, Logger log, const std::string& endpoint,
      const SocketOptions& options, std::optional<wire::RelayHello> hello = std::nullopt);
  ~RelayTrunk();
  RelayTrunk(const RelayTrunk&) = delete;
  RelayTrunk& operator=(const RelayTrunk&) = delete;

  bool connected() const { return dealer_->connected(); }
  // When it last came to be. REQUIRES: connected().
  TimePoint connected_since() const { return connected_since_; }
  // Whether several pings were not answered. When it stays so the connection is made anew.
  bool is_silent() const;
  // Its streams end whenever the connection does.
  RelayMux& mux() { return mux_; }

 private:
  RelayTrunk(Reactor& reactor, Logger log, std::string endpoint, std::unique_ptr<Dealer> dealer,
             std::optional<wire::RelayHello> hello);
  void connection_changed(bool connected);
  void receive(wire::Frames frames);
  void unreadable(const Error& error);
  void greet();
  void beat();
  void send(const wire::Message& message);

  Reactor& reactor_;
  Logger log_;
  std::string endpoint_;
  std::unique_ptr<Dealer> dealer_;
  std::optional<wire::RelayHello> hello_;
  RelayMux mux_;
  bool known_ = false;   // the hello was answered
  std::string refusal_;  // of the hello, as logged
  TimePoint connected_since_;
  SilenceWatch silence_;
  TimePoint logged_unreadable_{};
  std::uint64_t pings_ = 0;
  TimerId timer_ = 0;
};

}  // namespace kiln::net
