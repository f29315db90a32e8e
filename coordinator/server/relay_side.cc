// What agents and workers say of streams between them.
#include <utility>

#include "coordinator/server/limits.h"
#include "coordinator/server/server.h"

namespace kiln::coordinator {

void Server::from_client(const net::PeerId& peer, wire::RelayOpen& open) {
  if (const auto fine = check_limits(open); !fine)
    return reject(*clients_, peer, "too_long", 0, fine.error());
  relay_->open(peer, std::move(open));
}

void Server::from_client(const net::PeerId& peer, wire::RelayClose& close) {
  if (const auto fine = check_limits(close); !fine)
    return reject(*clients_, peer, "too_long", 0, fine.error());
  relay_->close(RelaySide::client, peer, std::move(close));
}

// Whoever could take another's streams could be taken for it: with keys, its connection has the key
// of that for its state.
void Server::from_worker(const net::PeerId& peer, wire::RelayHello& hello) {
  const auto* its = worker_sessions_.peer_of(hello.worker);
  const auto* session = its == nullptr ? nullptr : worker_sessions_.find(*its);
  if (session == nullptr || session->epoch != hello.worker_epoch)
    return refuse(*workers_, peer, 0, unknown_worker(hello.worker));
  if (gate_ && workers_->key_of(peer) != workers_->key_of(*its)) {
    return reject(*workers_, peer, "wrong_key", 0,
                  Error{Errc::permission_denied, "the worker \"" + hello.worker +
                                                     "\" has another key than this connection"});
  }
  relay_->worker_joined(peer, hello);
}

void Server::from_worker(const net::PeerId& peer, wire::RelayOpen& open) {
  relay_->taken(peer, std::move(open));
}

void Server::from_worker(const net::PeerId& peer, wire::RelayClose& close) {
  if (const auto fine = check_limits(close); !fine)
    return reject(*workers_, peer, "too_long", 0, fine.error());
  relay_->close(RelaySide::worker, peer, std::move(close));
}

}  // namespace kiln::coordinator
