// Pools as people see them.
#include <algorithm>

#include "coordinator/pools/keeper.h"

namespace kiln::coordinator {

std::vector<PoolView> PoolKeeper::views(const std::string& name) const {
  std::vector<PoolView> out;
  if (name.empty()) out.push_back(view_of(kDefaultPool, pools_.at(kDefaultPool)));
  for (const auto& [known, pool] : pools_) {
    const bool wanted = name.empty() ? known != kDefaultPool : known == name;
    if (wanted && !pool.definition->deleted) out.push_back(view_of(known, pool));
  }
  return out;
}

PoolView PoolKeeper::view_of(const std::string& name, const Pool& pool) const {
  PoolView view{pool.definition, {}, 0, pool.kept_ready};
  for (const auto& worker : pool.nodes) {
    const auto& node = nodes_.at(worker);
    const auto& standing = node.pools.at(name);
    const auto& order = standing.order;
    const auto wished = order.wish == PoolWish::warm ? order.warm : 0;
    PoolNodeView one{worker, node.state, std::max(order.keep_ready, wished), false,
                     standing.report};
    if (node.state == NodeState::lost) {
      // What it said last was of executors that are gone, or that nobody can reach.
      one.wanted = 0;
      one.pool = nullptr;
    }
    one.answered = one.pool && reflects(node, standing, standing.told_at) &&
                   standing.report->version == pool.definition->version;
    if (!one.pool) {
      // Nothing is known of it but how many executors it can have at most.
      PoolOnNode silent;
      silent.name = name;
      silent.context = pool.definition->spec.context;
      silent.executors = most_executors(pool, node);
      one.pool = std::make_shared<const PoolOnNode>(std::move(silent));
    }
    view.nodes.push_back(std::move(one));
  }
  return view;
}

// A node that numbers nothing is taken to have known of what it was told before it spoke; its
// report may have been on the way already.
bool PoolKeeper::reflects(const Node& node, const Standing& standing, std::uint64_t order) {
  if (!standing.told || standing.told_at < order) return false;
  return node.numbers ? standing.reflected >= order : standing.reported_at > standing.told_at;
}

std::map<std::string, std::uint64_t> PoolKeeper::awaited(const std::string& name) const {
  std::map<std::string, std::uint64_t> orders;
  const auto found = pools_.find(name);
  if (found == pools_.end()) return orders;
  for (const auto& worker : found->second.nodes) {
    const auto& node = nodes_.at(worker);
    if (node.state == NodeState::lost) continue;
    const auto& standing = node.pools.at(name);
    orders[worker] = standing.told ? standing.told_at : events_ + 1;
  }
  return orders;
}

bool PoolKeeper::took_up(const std::string& worker, const std::string& name,
                         std::uint64_t order) const {
  const auto pool = pools_.find(name);
  const auto node = nodes_.find(worker);
  if (pool == pools_.end() || pool->second.nodes.count(worker) == 0) return true;
  if (node == nodes_.end() || node->second.state == NodeState::lost) return true;
  const auto& standing = node->second.pools.at(name);
  if (!reflects(node->second, standing, order)) return false;
  return node->second.numbers ||
         (standing.report && standing.report->version == pool->second.definition->version);
}

std::uint32_t PoolKeeper::most_executors(const Pool& pool, const Node& node) {
  const auto executors = pool.definition->spec.executors;
  return executors > 0 ? executors : node.info->slots;
}

}  // namespace kiln::coordinator
