// One ZeroMQ socket inside the reactor: what Router and Dealer share. Inside common/net only.
//
// ZeroMQ's descriptor is edge-triggered and every call on a socket may use up an edge. So after any
// call that touches the socket, the events are asked for once more before the reactor sleeps: a
// deferred turn. A turn receives a bounded number of messages, so that one busy socket cannot
// starve timers and other descriptors.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/net/context.h"
#include "common/net/curve.h"
#include "common/net/reactor.h"
#include "common/net/router.h"
#include "common/wire/codec.h"

namespace kiln::net {

enum class SocketKind { router, dealer };

// What became of a message given to ZeroMQ.
enum class Sent {
  yes,
  full,         // its queue is full; the frames are untouched
  unreachable,  // no connection, or it broke meanwhile
};

struct Arrival {
  PeerId peer;                   // empty for a dealer
  int fd = -1;                   // of its connection; -1: unknown
  std::optional<PublicKey> key;  // of the peer; nothing without an identity, and for a dealer
  wire::Frames frames;           // the payload; none of a message with too many
};

class Socket {
 public:
  struct Handlers {
    std::function<void(Arrival)> message;
    // A connection is up (router: accepted; dealer: shaken hands) or gone.
    std::function<void(int fd, bool up)> connection;
    // Of a dealer: its peer was reached and there will be no connection. Unless it is
    // `no_handshake` ZeroMQ does not try again.
    std::function<void(Rejection)> rejected;
    // A turn ends. `drained`: everything that had arrived when it began was given to `message`.
    std::function<void(bool drained)> turned;
    // There may be room for what was `full`. Returns whether something still waits.
    std::function<bool()> flush;
  };

  static Result<std::unique_ptr<Socket>> open(Reactor& reactor, Context& context, SocketKind kind,
                                              const SocketOptions& options, Handlers handlers);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // The endpoint with the port that the system chose.
  Result<std::string> bind(const std::string& endpoint);
  Status connect(const std::string& endpoint);

  // `peer` is for routers only.
  Sent send(const PeerId& peer, wire::Frames& frames);
  // Errc::invalid_argument when the peer would end the connection over the size of a frame.
  Status check_size(const wire::Frames& frames) const;

  // Gives connection events that are there to the handler now.
  void drain_connections();

 private:
  Socket(Reactor& reactor, Context& context, SocketKind kind, const SocketOptions& options,
         Handlers handlers);
  Status set_up();
  Status open_monitor();
  Status set_options();
  Status set_curve();
  Status set(int option, int value, const char* name);
  Status set_bytes(int option, const void* bytes, std::size_t size, const char* name);
  void schedule_turn();
  void turn();
  bool receive_one();

  Reactor& reactor_;
  Context& context_;
  SocketKind kind_;
  SocketOptions options_;
  Handlers handlers_;
  void* socket_ = nullptr;
  void* monitor_ = nullptr;
  int socket_fd_ = -1;
  int monitor_fd_ = -1;
  bool turn_scheduled_ = false;
  TimerId retry_ = 0;
  std::shared_ptr<Socket*> alive_;  // for what the reactor may still hold of this
};

}  // namespace kiln::net
