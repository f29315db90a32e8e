// From what should be to what must be said.
#include <algorithm>
#include <iterator>
#include <utility>

#include "coordinator/pools/keeper.h"

namespace kiln::coordinator {
namespace {

// A toolchain spreads like a tree: so many nodes take it from each that has it, the others wait
// until these have it too.
constexpr std::size_t kPullersPerSource = 4;
constexpr std::size_t kMaxSources = 3;
constexpr Duration kPullLasts = seconds(10);

PoolOrder message_of(const auto& order) {
  PoolOrder out;
  out.definition = *order.definition;
  out.selected = order.selected;
  out.keep_ready = order.keep_ready;
  out.wish_number = order.wish_number;
  out.wish = order.wish;
  out.warm = order.warm;
  if (order.stage) out.stage = *order.stage;
  out.sources = order.sources;
  return out;
}

}  // namespace

void PoolKeeper::settle(const Moment& moment) {
  while (!strangers_.empty() && strangers_.begin()->first <= moment.now) {
    auto& node = nodes_.at(strangers_.begin()->second);
    introduce_at(node, std::nullopt);
    introduce(node);
    for (const auto& [name, standing] : node.pools) {
      if (lacks(node.info->name, standing.order.stage)) mark(name, moment.now + kCrowd);
    }
  }
  std::vector<std::string> due;
  for (const auto& [name, when] : due_) {
    if (when <= moment.now) due.push_back(name);
  }
  std::map<std::string, std::vector<PoolOrder>> by_worker;
  for (const auto& name : due) {
    due_.erase(name);
    settle_pool(name, pools_.at(name), moment);
    for (auto& [worker, node] : nodes_) {
      const auto standing = node.pools.find(name);
      if (standing == node.pools.end() || node.introduce_at || node.state == NodeState::lost) {
        continue;
      }
      if (!concerns(pools_.at(name), standing->second)) continue;
      if (standing->second.told == standing->second.order) continue;
      by_worker[worker].push_back(tell(standing->second));
    }
  }
  for (auto& [worker, orders] : by_worker)
    out_.orders.push_back({worker, false, std::move(orders)});
}

void PoolKeeper::settle_pool(const std::string& name, Pool& pool, const Moment& moment) {
  for (auto& entry : nodes_) {
    const auto standing = entry.second.pools.find(name);
    if (standing == entry.second.pools.end()) continue;
    auto& order = standing->second.order;
    order.definition = pool.definition;
    if (order.selected) order.stage = stage_of(pool, entry.second.info->architecture);
  }
  spread_ready(name, pool, moment);
  spread_wish(name, pool, moment);
  spread_sources(name, pool, moment);
}

void PoolKeeper::spread_ready(const std::string& name, Pool& pool, const Moment& moment) {
  for (const auto& worker : pool.nodes) nodes_.at(worker).pools.at(name).order.keep_ready = 0;
  const auto total = pool.kept_ready = wanted_ready(pool.definition->spec, moment.week);
  if (total == 0) return;
  auto shares = shares_of(name, pool, [](const Standing& standing) {
    return !standing.report || standing.report->state != PoolState::broken;
  });
  spread(total, shares);
  for (const auto& share : shares) {
    nodes_.at(share.node).pools.at(name).order.keep_ready = share.given;
  }
}

// A node's part of a wish for warmth is made up for when it vanishes before it can have been of
// use. Where none is left the wish waits for the next one.
void PoolKeeper::spread_wish(const std::string& name, Pool& pool, const Moment& moment) {
  if (!pool.makes_up(moment.now)) return;
  auto shares = shares_of(name, pool, [](const Standing&) { return true; });
  if (shares.empty()) pool.warm_waits = true;
  if (!shares.empty() && std::exchange(pool.warm_waits, false)) {
    pool.warm_until = moment.now + kWishLasts;
  }
  spread(pool.warm_total, shares);
  std::uint64_t standing_wishes = 0;
  for (const auto& share : shares) {
    const auto& order = nodes_.at(share.node).pools.at(name).order;
    if (order.wish == PoolWish::warm) standing_wishes += order.warm;
  }
  if (standing_wishes >= pool.warm_total) return;
  for (const auto& share : shares) {
    auto& standing = nodes_.at(share.node).pools.at(name);
    const auto has = standing.order.wish == PoolWish::warm ? standing.order.warm : 0;
    if (share.given > has) wish(standing, PoolWish::warm, share.given);
  }
}

void PoolKeeper::spread_sources(const std::string& name, Pool& pool, const Moment& moment) {
  std::size_t most = 0;
  for (const auto& [architecture, stage] : pool.stages) {
    for (const auto& toolchain : *stage) most = std::max(most, sources_.count(toolchain.digest));
  }
  if (most == 0) return;
  std::vector<std::string> hungry;
  std::size_t pulling = 0;
  for (const auto& worker : pool.nodes) {
    const auto& node = nodes_.at(worker);
    const auto& standing = node.pools.at(name);
    if (node.state == NodeState::lost || !lacks(worker, standing.order.stage)) continue;
    const bool pulls =
        !standing.order.sources.empty() && moment.now < standing.sources_at + kPullLasts;
    if (pulls) {
      ++pulling;
    } else {
      hungry.push_back(worker);
    }
  }
  bool waits = false;
  for (const auto& worker : hungry) {
    auto& standing = nodes_.at(worker).pools.at(name);
    if (pulling >= kPullersPerSource * most) {
      waits = true;
      continue;
    }
    auto picked = sources_.pick(worker, *standing.order.stage, kMaxSources, random_);
    if (picked.empty()) continue;
    standing.order.sources = std::move(picked);
    pool.sources_at = standing.sources_at = moment.now;
    ++pulling;
  }
  if (pulling > 0) mark(name, moment.now + (waits ? kSourcesEvery : kPullLasts));
}

const PoolKeeper::StagePtr& PoolKeeper::stage_of(Pool& pool, const std::string& architecture) {
  auto& stage = pool.stages[architecture];
  if (stage) return stage;
  std::vector<PoolToolchain> toolchains;
  const auto add = [&](const std::vector<PoolToolchain>& list) {
    std::copy_if(list.begin(), list.end(), std::back_inserter(toolchains),
                 [&](const auto& toolchain) { return toolchain.architecture == architecture; });
  };
  add(pool.definition->spec.toolchains);
  add(pool.extra);
  return stage = std::make_shared<const std::vector<PoolToolchain>>(std::move(toolchains));
}

bool PoolKeeper::lacks(const std::string& node, const StagePtr& stage) const {
  return stage && std::any_of(stage->begin(), stage->end(), [&](const PoolToolchain& toolchain) {
           return !sources_.has(node, toolchain.digest);
         });
}

// Nodes carry the definitions of pools that are not theirs too, for coordinators that lost them.
bool PoolKeeper::concerns(const Pool& pool, const Standing& standing) const {
  const auto& order = standing.order;
  if (pool.definition->deleted) return standing.known;
  if (pool.definition->version > 0) return true;
  return order.wish_number > 0 || (order.stage && !order.stage->empty());  // default
}

PoolOrder PoolKeeper::tell(Standing& standing) {
  standing.told = standing.order;
  standing.known = true;
  standing.told_at = ++events_;
  auto message = message_of(standing.order);
  message.number = standing.told_at;
  return message;
}

void PoolKeeper::introduce(Node& node) {
  WorkerOrders all{node.info->name, true, {}};
  for (auto& [name, standing] : node.pools) {
    auto& pool = pools_.at(name);
    standing.order.definition = pool.definition;
    if (standing.order.selected) standing.order.stage = stage_of(pool, node.info->architecture);
    if (concerns(pool, standing)) all.orders.push_back(tell(standing));
  }
  out_.orders.push_back(std::move(all));
}

}  // namespace kiln::coordinator
