#include "worker/server/peer_fetcher.h"

#include <algorithm>
#include <utility>

namespace kiln::worker {
namespace {

// Connections to peers that are kept; a farm larger than this shares toolchains all the same.
constexpr std::size_t kClients = 64;
// A peer that is gone must not hold up a task for long: its agent has the blobs too.
constexpr Duration kStall = seconds(4);
constexpr Duration kAvoid = seconds(60);

net::BulkOptions peer_options() {
  net::BulkOptions options;
  options.stall = kStall;
  return options;
}

}  // namespace

PeerFetcher::PeerFetcher(const net::BulkParts& parts, std::string self)
    : parts_(parts), self_(std::move(self)) {}

PeerFetcher::Client* PeerFetcher::client(const std::string& address) {
  const auto found = clients_.find(address);
  if (found != clients_.end()) return &found->second;
  if (clients_.size() >= kClients && !make_room()) return nullptr;
  auto made = net::BulkClient::connect(parts_, address, peer_options());
  if (!made) return nullptr;
  return &clients_.emplace(address, Client{std::move(*made), 0, {}}).first->second;
}

// Workers come and go, each time under another port perhaps: those that are gone make room.
bool PeerFetcher::make_room() {
  const auto unused = std::find_if(clients_.begin(), clients_.end(), [](const auto& item) {
    return item.second.busy == 0 && !item.second.connection->connected();
  });
  if (unused == clients_.end()) return false;
  clients_.erase(unused);
  return true;
}

void PeerFetcher::fetch(const Digest& digest, std::vector<std::string> sources, Done done) {
  parts_.reactor.defer([this, alive = std::weak_ptr<int>(alive_), digest,
                        sources = std::move(sources), done = std::move(done)] {
    if (!alive.expired()) try_next(digest, sources, done);
  });
}

void PeerFetcher::try_next(const Digest& digest, std::vector<std::string> sources, Done done) {
  while (!sources.empty()) {
    const std::string address = std::move(sources.back());
    sources.pop_back();
    auto* from = address == self_ ? nullptr : client(address);
    if (from == nullptr) continue;
    const bool reachable = from->connection->connected();
    if (!reachable && parts_.reactor.now() < from->avoided_until) continue;
    ++from->busy;
    from->connection->get(digest, [this, from, digest, sources = std::move(sources),
                                   done = std::move(done)](const Status& got) mutable {
      --from->busy;
      if (got) return done({});
      if (got.error().code == Errc::unavailable)
        from->avoided_until = parts_.reactor.now() + kAvoid;
      // Deferred by fetch(): the next source may need the room of the connection that called.
      fetch(digest, std::move(sources), std::move(done));
    });
    return;
  }
  done(fail(Errc::not_found, "no other worker has blob " + digest.short_hex()));
}

}  // namespace kiln::worker
