// Who is behind each connection.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/net/router.h"
#include "coordinator/scheduling/types.h"

namespace kiln::coordinator {

struct WorkerSession {
  std::string name;
  std::uint64_t epoch = 0;
};

// Workers by connection and by name; a newer connection of a name replaces the older.
class WorkerSessions {
 public:
  void put(const net::PeerId& peer, WorkerSession session);
  const WorkerSession* find(const net::PeerId& peer) const;
  std::vector<net::PeerId> peers() const;
  // Where a worker is; nullptr: gone.
  const net::PeerId* peer_of(const std::string& name) const;
  // The session that ends with this connection; nullopt when it has none, or when the worker has
  // connected anew meanwhile.
  std::optional<WorkerSession> take(const net::PeerId& peer);

 private:
  std::map<net::PeerId, WorkerSession> by_peer_;
  std::map<std::string, net::PeerId> by_name_;
};

struct ClientSession {
  ClientId id = 0;
  std::uint64_t epoch = 0;
  std::string host;
  std::string user;
};

class ClientSessions {
 public:
  // A new session with an id of its own; the connection had none.
  const ClientSession& add(const net::PeerId& peer, std::uint64_t epoch, std::string host,
                           std::string user);
  const ClientSession* find(const net::PeerId& peer) const;
  // Where a client is; nullptr: gone.
  const net::PeerId* peer_of(ClientId id) const;
  std::optional<ClientSession> take(const net::PeerId& peer);

 private:
  ClientId next_ = 1;
  std::map<net::PeerId, ClientSession> by_peer_;
  std::map<ClientId, net::PeerId> by_id_;
};

}  // namespace kiln::coordinator
