// The agent's UNIX socket: many launchers with one request each, and sessions with many.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/net/reactor.h"
#include "common/wire/codec.h"
#include "common/wire/stream.h"

namespace kiln::client {

class CallServer {
 public:
  using ConnectionId = std::uint64_t;
  struct Handlers {
    std::function<void(ConnectionId, wire::Envelope)> message;
    // The launcher is gone: its call is cancelled. Not called once it has its last answer.
    std::function<void(ConnectionId)> closed;
  };

  // Listens on `path`, removing a dead socket that is in the way, and greets every connection by a
  // Pong. Errc::already_exists when another agent listens there.
  static Result<std::unique_ptr<CallServer>> listen(net::Reactor& reactor, const std::string& path,
                                                    Logger log, Handlers handlers);
  ~CallServer();

  // Queues a message; the connection is closed once all is written if `last`. Whoever lets answers
  // pile up is not read from.
  void send(ConnectionId connection, const wire::Message& message, wire::Frames raw, bool last);
  // A pidfd of the process that connected; not valid where there is none to be had.
  UniqueFd open_peer(ConnectionId connection) const;
  std::size_t connections() const { return connections_.size(); }
  // Removes the socket, unless it is another's by now, and takes what has connected to it and
  // nothing more.
  void stop_listening();

 private:
  struct Connection {
    UniqueFd fd;
    wire::StreamDecoder decoder;
    std::string outgoing;
    std::size_t sent = 0;
    bool last = false;
  };
  CallServer(net::Reactor& reactor, std::string path, Logger log, Handlers handlers,
             UniqueFd listener);
  Status watch_listener();
  void accept_all();
  void unlink_socket();
  void close_listener();
  void pause_accepting();
  void ready(ConnectionId id, std::uint32_t events);
  void read_from(ConnectionId id);
  void flush(ConnectionId id);
  void close(ConnectionId id, bool report);
  void watch(ConnectionId id);

  net::Reactor& reactor_;
  std::string path_;
  // Device and inode of the socket that was bound: in its place may be a successor's.
  std::pair<std::uint64_t, std::uint64_t> bound_;
  Logger log_;
  Handlers handlers_;
  UniqueFd listener_;
  std::map<ConnectionId, Connection> connections_;
  ConnectionId last_id_ = 0;
  net::TimerId accept_again_ = 0;
};

}  // namespace kiln::client
