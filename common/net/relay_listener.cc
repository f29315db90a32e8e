#include "common/net/relay_listener.h"

#include <utility>
#include <vector>

namespace kiln::net {

bool RelayListener::admits(const PublicKey& key) const {
  if (!keyed_) return true;
  return key != PublicKey() && (!guard_ || guard_(key));
}

Result<RelayMux::Ears> RelayListener::accept(RelayMux& mux, StreamId stream,
                                             const wire::RelayOpen& open) {
  if (!admits(open.key)) {
    return fail(Errc::permission_denied, "the worker does not let the agent's key in");
  }
  const PeerId peer = std::to_string(++last_);
  peers_[peer] = Peer{&mux, stream, open.key};
  RelayMux::Ears ears;
  ears.message = [this, peer](wire::Frames frames) {
    if (message_) message_(peer, std::move(frames));
  };
  ears.closed = [this, peer](const Error&) { forget(peer); };
  return ears;
}

void RelayListener::forget(const PeerId& peer) {
  if (peers_.erase(peer) > 0 && disconnect_) disconnect_(peer);
}

void RelayListener::on_message(std::function<void(const PeerId&, wire::Frames)> fn) {
  message_ = std::move(fn);
}

void RelayListener::on_disconnect(std::function<void(const PeerId&)> fn) {
  disconnect_ = std::move(fn);
}

Status RelayListener::send(const PeerId& peer, wire::Frames frames) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) {
    return fail(Errc::unavailable, "send to a peer: its connection is gone");
  }
  return found->second.mux->send(found->second.stream, frames);
}

void RelayListener::set_guard(std::function<bool(const PublicKey&)> admitted) {
  guard_ = std::move(admitted);
}

void RelayListener::review(const wire::Frames& farewell) {
  std::vector<std::pair<PeerId, Peer>> over;
  for (const auto& [id, peer] : peers_) {
    if (!admits(peer.key)) over.emplace_back(id, peer);
  }
  for (const auto& [id, peer] : over) {
    (void)peer.mux->send(peer.stream, farewell);
    peer.mux->close(peer.stream, {Errc::permission_denied, "the key is not allowed any more"});
    forget(id);
  }
}

}  // namespace kiln::net
