// Fetches blobs from other workers, so that a toolchain is uploaded once per farm.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/net/bulk.h"

namespace kiln::worker {

class PeerFetcher {
 public:
  using Done = std::function<void(Status)>;

  // What `parts` refers to must outlive the fetcher. `self`: this worker's own bulk address, never
  // asked.
  PeerFetcher(const net::BulkParts& parts, std::string self);

  // Gets `digest` from one of `sources` into the sink of `parts`; tries one after the other. `done`
  // is called once, never from within; Errc::not_found when no source has it.
  void fetch(const Digest& digest, std::vector<std::string> sources, Done done);

 private:
  struct Client {
    std::unique_ptr<net::BulkClient> connection;
    std::size_t busy = 0;     // fetches under way: while there are any, the connection stays
    TimePoint avoided_until;  // it could not be reached
  };
  Client* client(const std::string& address);
  bool make_room();
  void try_next(const Digest& digest, std::vector<std::string> sources, Done done);

  net::BulkParts parts_;
  std::string self_;
  std::map<std::string, Client> clients_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // deferred work asks whether we are
};

}  // namespace kiln::worker
