#include "worker/server/peer_fetcher.h"

#include <utility>

namespace kiln::worker {
namespace {

// Connections to peers that are kept; a farm larger than this shares toolchains all the same.
constexpr std::size_t kClients = 64;

}  // namespace

PeerFetcher::PeerFetcher(const net::BulkParts& parts, std::string self)
    : parts_(parts), self_(std::move(self)) {}

net::BulkClient* PeerFetcher::client(const std::string& address) {
  const auto found = clients_.find(address);
  if (found != clients_.end()) return found->second.get();
  if (clients_.size() >= kClients) return nullptr;
  auto made = net::BulkClient::connect(parts_, address);
  if (!made) return nullptr;
  return clients_.emplace(address, std::move(*made)).first->second.get();
}

void PeerFetcher::fetch(const Digest& digest, std::vector<std::string> sources, Done done) {
  parts_.reactor.defer([this, digest, sources = std::move(sources), done = std::move(done)] {
    try_next(digest, sources, done);
  });
}

void PeerFetcher::try_next(const Digest& digest, std::vector<std::string> sources, Done done) {
  while (!sources.empty()) {
    const std::string address = std::move(sources.back());
    sources.pop_back();
    auto* from = address == self_ ? nullptr : client(address);
    if (from == nullptr) continue;
    from->get(digest, [this, digest, sources = std::move(sources),
                       done = std::move(done)](const Status& got) mutable {
      if (got) return done({});
      try_next(digest, std::move(sources), std::move(done));
    });
    return;
  }
  done(fail(Errc::not_found, "no other worker has blob " + digest.short_hex()));
}

}  // namespace kiln::worker
