#include "client/agent/worker_routes.h"

#include <utility>

#include "client/agent/auto_connection.h"
#include "common/net/dealer.h"
#include "common/net/relay_connection.h"
#include "common/net/resolve.h"

namespace kiln::client {
namespace {

// Worker processes come and go; more than any farm has at once.
constexpr std::size_t kRemembered = 10'000;

}  // namespace

WorkerRoutes::WorkerRoutes(const net::BulkParts& parts, Logger log, Options options)
    : parts_(parts), log_(std::move(log)), options_(std::move(options)) {}

Result<WorkerLink::Ways> WorkerRoutes::ways(const HeldLease& lease) {
  const Key key{lease.lease.worker, lease.lease.worker_epoch};
  WorkerLink::Ways ways;
  KILN_TRY_ASSIGN(ways.tasks, way(key, wire::RelayChannel::task, lease.task_address,
                                  [this](const std::string& address) -> Way {
                                    return net::Dealer::connect(parts_.reactor, parts_.context,
                                                                address);
                                  }));
  KILN_TRY_ASSIGN(ways.bulk, way(key, wire::RelayChannel::bulk, lease.bulk_address,
                                 [this](const std::string& address) -> Way {
                                   return net::BulkClient::direct(parts_, address);
                                 }));
  return ways;
}

WorkerRoutes::Way WorkerRoutes::way(const Key& key, wire::RelayChannel channel,
                                    const std::string& address, Direct direct) {
  const auto found = found_.find(key);
  const Route route =
      options_.route == Route::automatic && found != found_.end() ? found->second : options_.route;
  if (route == Route::direct && net::is_resolved(address)) return direct(address);
  if (route == Route::relay) return relayed(key, channel);
  AutoConnection::Parts parts{parts_.reactor, parts_.pool, std::move(direct), nullptr, nullptr};
  if (route == Route::direct) {
    parts.settled = [this, key](bool is_direct, const std::string& why) {
      if (!is_direct) log_.warning("worker_not_found", {{"node", key.first}, {"reason", why}});
    };
  } else {
    parts.relay = [this, key, channel] { return relayed(key, channel); };
    parts.settled = [this, key](bool is_direct, const std::string& why) {
      settled(key, is_direct, why);
    };
  }
  return std::make_unique<AutoConnection>(std::move(parts), address);
}

void WorkerRoutes::settled(const Key& key, bool is_direct, const std::string& why) {
  if (found_.size() >= kRemembered) found_.clear();
  if (!found_.emplace(key, is_direct ? Route::direct : Route::relay).second || is_direct) return;
  log_.info("worker_relayed", {{"node", key.first}, {"reason", why}});
}

WorkerRoutes::Way WorkerRoutes::relayed(const Key& key, wire::RelayChannel channel) {
  KILN_TRY(open_trunks());
  std::vector<net::RelayTrunk*> trunks;
  for (const auto& trunk : trunks_) trunks.push_back(trunk.get());
  return std::make_unique<net::RelayConnection>(
      parts_.reactor, std::move(trunks),
      net::RelayConnection::Target{key.first, key.second, channel});
}

Status WorkerRoutes::open_trunks() {
  if (!trunks_.empty()) return {};
  std::vector<std::unique_ptr<net::RelayTrunk>> trunks;
  for (const auto& endpoint : options_.coordinators) {
    KILN_TRY_ASSIGN(auto trunk,
                    net::RelayTrunk::connect(parts_.reactor, parts_.context, log_.part("relay"),
                                             endpoint.text(), options_.socket));
    trunks.push_back(std::move(trunk));
  }
  trunks_ = std::move(trunks);
  return {};
}

void WorkerRoutes::forget(const std::string& worker, std::uint64_t worker_epoch) {
  found_.erase({worker, worker_epoch});
}

}  // namespace kiln::client
