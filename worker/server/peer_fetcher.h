// Fetches blobs from other workers, so that a toolchain is uploaded once per farm.
#pragma once

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
  net::BulkClient* client(const std::string& address);
  void try_next(const Digest& digest, std::vector<std::string> sources, Done done);

  net::BulkParts parts_;
  std::string self_;
  std::map<std::string, std::unique_ptr<net::BulkClient>> clients_;
};

}  // namespace kiln::worker
