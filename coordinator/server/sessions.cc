#include "coordinator/server/sessions.h"

#include <utility>

namespace kiln::coordinator {

void WorkerSessions::put(const net::PeerId& peer, WorkerSession session) {
  take(peer);
  if (const auto older = by_name_.find(session.name); older != by_name_.end()) {
    by_peer_.erase(older->second);
  }
  by_name_[session.name] = peer;
  by_peer_[peer] = std::move(session);
}

const WorkerSession* WorkerSessions::find(const net::PeerId& peer) const {
  const auto found = by_peer_.find(peer);
  return found == by_peer_.end() ? nullptr : &found->second;
}

std::vector<net::PeerId> WorkerSessions::peers() const {
  std::vector<net::PeerId> peers;
  for (const auto& [peer, session] : by_peer_) peers.push_back(peer);
  return peers;
}

const net::PeerId* WorkerSessions::peer_of(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &found->second;
}

std::optional<WorkerSession> WorkerSessions::take(const net::PeerId& peer) {
  const auto found = by_peer_.find(peer);
  if (found == by_peer_.end()) return std::nullopt;
  WorkerSession session = std::move(found->second);
  by_peer_.erase(found);
  by_name_.erase(session.name);
  return session;
}

const ClientSession& ClientSessions::add(const net::PeerId& peer, std::uint64_t epoch,
                                         std::string host, std::string user) {
  const auto id = next_++;
  by_id_[id] = peer;
  return by_peer_[peer] = ClientSession{id, epoch, std::move(host), std::move(user)};
}

const ClientSession* ClientSessions::find(const net::PeerId& peer) const {
  const auto found = by_peer_.find(peer);
  return found == by_peer_.end() ? nullptr : &found->second;
}

const net::PeerId* ClientSessions::peer_of(ClientId id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second;
}

std::optional<ClientSession> ClientSessions::take(const net::PeerId& peer) {
  const auto found = by_peer_.find(peer);
  if (found == by_peer_.end()) return std::nullopt;
  ClientSession session = std::move(found->second);
  by_peer_.erase(found);
  by_id_.erase(session.id);
  return session;
}

}  // namespace kiln::coordinator
