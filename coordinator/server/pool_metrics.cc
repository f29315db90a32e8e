#include "coordinator/server/pool_metrics.h"

#include <array>
#include <set>
#include <utility>

#include "coordinator/live/states.h"

namespace kiln::coordinator {
namespace {

constexpr std::pair<const char*, const char*> kNodes = {
    "kiln_pool_nodes", "Nodes selected by a pool, by how it stands there."};
constexpr std::pair<const char*, const char*> kWanted = {
    "kiln_pool_executors_wanted", "Executors that nodes were asked to have ready."};
constexpr std::pair<const char*, const char*> kMinWarm = {
    "kiln_pool_min_warm", "Executors that a pool's definition wants ready now."};
constexpr std::pair<const char*, const char*> kReady = {
    "kiln_pool_executors_ready", "Executors of a pool that are ready on living nodes."};
constexpr std::pair<const char*, const char*> kBusy = {
    "kiln_pool_executors_busy", "Executors of a pool that have a task, on living nodes."};
constexpr std::pair<const char*, const char*> kWaiting = {"kiln_pool_requests_waiting",
                                                          "Requests for leases of a pool."};

constexpr std::array<const char*, 7> kStates = {"cold",   "warming",  "ready", "quiesced",
                                                "broken", "draining", "lost"};

}  // namespace

PoolMetrics::PoolMetrics(metrics::Registry& registry)
    : registry_(&registry), pools_(registry.gauge("kiln_pools", "Pools, the default one too.")) {}

void PoolMetrics::observe(const std::vector<PoolView>& pools) {
  pools_.set(static_cast<double>(pools.size()));
  std::set<std::string> seen;
  for (const auto& pool : pools) {
    const auto& label = pool.definition->spec.name;
    seen.insert(label);
    auto found = by_pool_.find(label);
    if (found == by_pool_.end()) found = by_pool_.emplace(label, make(label)).first;
    std::map<std::string, double> nodes;
    double wanted = 0;
    double ready = 0;
    double busy = 0;
    for (const auto& node : pool.nodes) {
      ++nodes[std::string(state_of(node))];
      if (node.state == NodeState::lost) continue;
      wanted += node.wanted;
      ready += node.pool->ready;
      busy += node.pool->busy;
    }
    for (auto& [state, gauge] : found->second.nodes) gauge.set(nodes[state]);
    found->second.wanted.set(wanted);
    found->second.min_warm.set(pool.kept_ready);
    found->second.ready.set(ready);
    found->second.busy.set(busy);
    found->second.waiting.set(pool.waiting);
  }
  std::erase_if(by_pool_, [&](const auto& entry) {
    if (seen.count(entry.first) != 0) return false;
    drop(entry.second);
    return true;
  });
}

PoolMetrics::Gauges PoolMetrics::make(const std::string& pool) {
  Gauges gauges;
  for (const auto* state : kStates) {
    gauges.nodes[state] =
        registry_->gauge(kNodes.first, kNodes.second, {{"pool", pool}, {"state", state}});
  }
  gauges.wanted = registry_->gauge(kWanted.first, kWanted.second, {{"pool", pool}});
  gauges.min_warm = registry_->gauge(kMinWarm.first, kMinWarm.second, {{"pool", pool}});
  gauges.ready = registry_->gauge(kReady.first, kReady.second, {{"pool", pool}});
  gauges.busy = registry_->gauge(kBusy.first, kBusy.second, {{"pool", pool}});
  gauges.waiting = registry_->gauge(kWaiting.first, kWaiting.second, {{"pool", pool}});
  return gauges;
}

void PoolMetrics::drop(const Gauges& gauges) {
  for (const auto& entry : gauges.nodes) {
    registry_->drop(kNodes.first, kNodes.second, entry.second);
  }
  registry_->drop(kWanted.first, kWanted.second, gauges.wanted);
  registry_->drop(kMinWarm.first, kMinWarm.second, gauges.min_warm);
  registry_->drop(kReady.first, kReady.second, gauges.ready);
  registry_->drop(kBusy.first, kBusy.second, gauges.busy);
  registry_->drop(kWaiting.first, kWaiting.second, gauges.waiting);
}

}  // namespace kiln::coordinator
