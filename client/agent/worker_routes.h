// How the agent reaches each worker: directly, or through its coordinators.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/agent/settings.h"
#include "client/agent/worker_link.h"
#include "client/policy/lease_book.h"
#include "common/base/log.h"
#include "common/base/result.h"
#include "common/net/bulk.h"
#include "common/net/endpoint.h"
#include "common/net/relay_trunk.h"
#include "common/net/router.h"

namespace kiln::client {

class WorkerRoutes {
 public:
  struct Options {
    Route route = Route::automatic;
    std::vector<net::Endpoint> coordinators;
    net::SocketOptions socket;  // of the connections to these
  };

  WorkerRoutes(const net::BulkParts& parts, Logger log, Options options);

  // Connections to the lease's worker, which begin to come about.
  Result<WorkerLink::Ways> ways(const HeldLease& lease);
  // What was found out about the worker may not be so any more.
  void forget(const std::string& worker, std::uint64_t worker_epoch);

 private:
  using Key = std::pair<std::string, std::uint64_t>;  // name, epoch
  using Way = Result<std::unique_ptr<net::Connection>>;
  using Direct = std::function<Way(const std::string& address)>;

  Way way(const Key& key, wire::RelayChannel channel, const std::string& address, Direct direct);
  void settled(const Key& key, bool is_direct, const std::string& why);
  Way relayed(const Key& key, wire::RelayChannel channel);
  Status open_trunks();

  net::BulkParts parts_;
  Logger log_;
  Options options_;
  std::map<Key, Route> found_;                            // direct or relay
  std::vector<std::unique_ptr<net::RelayTrunk>> trunks_;  // made when first needed
};

}  // namespace kiln::client
