#include "tests/simulation/model_pools.h"

#include <algorithm>

#include "common/model/newer_definition.h"

namespace kiln::simulation {

std::vector<std::string> ModelPools::take(std::size_t coordinator, std::uint64_t epoch,
                                          const coordinator::WorkerOrders& orders) {
  std::vector<std::string> changed;
  auto& given = orders_[coordinator];
  if (given.epoch != epoch) given = {epoch, {}};
  if (orders.complete) {
    for (auto& entry : pools_) entry.second.keep_ready.erase(coordinator);
  }
  for (const auto& order : orders.orders) {
    const auto& name = order.definition.spec.name;
    auto& pool = pools_[name];
    given.numbers[name] = order.number;
    const auto before = pool;
    if (pool.definition.version == 0 || kiln::counts_before(order.definition, pool.definition)) {
      pool.definition = order.definition;
    }
    // What is said of another definition than the one in force is old.
    if (pool.definition == order.definition) {
      pool.selected = order.selected;
      pool.keep_ready[coordinator] = order.keep_ready;
      obey(pool, epoch, order);
    }
    const bool news = before.definition != pool.definition || before.selected != pool.selected ||
                      before.standing != pool.standing;
    if (news) changed.push_back(name);
  }
  return changed;
}

void ModelPools::obey(Pool& pool, std::uint64_t epoch, const PoolOrder& order) {
  auto& standing = pool.standing;
  standing.name = pool.definition.spec.name;
  standing.version = pool.definition.version;
  if (!pool.selected) {
    standing.ready = 0;
    standing.state = PoolState::cold;
    return;
  }
  auto& seen = wishes_[{epoch, standing.name}];
  const bool fresh = order.wish_number > seen;
  if (fresh) seen = order.wish_number;
  if (fresh && order.wish == PoolWish::quiesce) {
    standing.ready = 0;
    ++standing.quiesces;
  }
  if (fresh && order.wish == PoolWish::warm) standing.ready = std::max(standing.ready, order.warm);
  standing.ready = std::max(standing.ready, order.keep_ready);
  standing.state = standing.ready > 0 ? PoolState::ready : PoolState::quiesced;
}

coordinator::WorkerReport ModelPools::report_all(const NodeInfo& info,
                                                 std::size_t coordinator) const {
  std::vector<std::string> names;
  for (const auto& entry : pools_) names.push_back(entry.first);
  auto all = report(info, coordinator, names);
  all.complete = true;
  return all;
}

coordinator::WorkerReport ModelPools::report(const NodeInfo& info, std::size_t coordinator,
                                             const std::vector<std::string>& names) const {
  coordinator::WorkerReport report{info.name, info.epoch, false, {}, {}};
  const auto given = orders_.find(coordinator);
  if (given != orders_.end()) report.coordinator_epoch = given->second.epoch;
  for (const auto& name : names) {
    const auto& pool = pools_.at(name);
    report.definitions.push_back(pool.definition);
    if (!pool.selected) continue;
    report.pools.push_back(pool.standing);
    if (given == orders_.end()) continue;
    const auto order = given->second.numbers.find(name);
    if (order != given->second.numbers.end()) report.pools.back().order = order->second;
  }
  return report;
}

void ModelPools::crash() {
  for (auto& entry : pools_) {
    entry.second.selected = false;
    entry.second.standing = {};
    entry.second.keep_ready.clear();
  }
  wishes_.clear();
  orders_.clear();
}

bool ModelPools::serves(const std::string& pool) const {
  if (pool == kDefaultPool) return true;
  const auto found = pools_.find(pool);
  return found != pools_.end() && found->second.selected;
}

}  // namespace kiln::simulation
