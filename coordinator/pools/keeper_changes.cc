// What clients, and requests that wait, want of pools.
#include <algorithm>
#include <limits>

#include "coordinator/pools/keeper.h"
#include "coordinator/pools/pool_spec.h"

namespace kiln::coordinator {
namespace {

constexpr Duration kBurstEvery = seconds(5);

Error no_such_pool(const std::string& name) {
  return Error{Errc::not_found, "there is no pool \"" + name + "\"; kiln pools lists them"};
}

// Of zero executors nothing would come, but what is to be staged.
Status is_a_wish(const PoolRequest& request) {
  if (request.all || request.count > 0 || !request.spec.toolchains.empty()) return {};
  return fail(Errc::invalid_argument,
              "warming 0 executors does nothing; name how many, or all (kiln pool quiesce " +
                  request.spec.name + " stops them)");
}

Status has_executors(const std::string& pool, std::uint32_t asked,
                     const std::vector<Share>& shares) {
  std::uint64_t most = 0;
  for (const auto& share : shares) most += share.most;
  if (asked <= most) return {};
  const std::string nodes =
      std::to_string(shares.size()) + (shares.size() == 1 ? " node" : " nodes");
  return fail(Errc::invalid_argument,
              std::to_string(most) + " of " + std::to_string(asked) +
                  " asked are possible: the pool \"" + pool + "\" has " + nodes + " with " +
                  std::to_string(most) +
                  " executors; ask for at most so many, or for more --executors a node");
}

}  // namespace

Result<bool> PoolKeeper::change(const PoolRequest& request, const Moment& moment) {
  const auto& name = request.spec.name;
  bool existed = false;
  switch (request.action) {
    case PoolAction::create: {
      KILN_TRY(is_possible(request, moment));
      KILN_TRY_ASSIGN(const auto made, catalog_.create(request.spec, moment.unix_s));
      existed = made.existed;
      define(made.definition, moment);
      look_at_the_clock(moment);
      // Nodes that come later are told too, so that none being there is no failure.
      if (request.count == 0 && !request.all) break;
      if (!warm(request, request.all, moment)) wish_of_nodes_to_come(request, moment);
      break;
    }
    case PoolAction::warm:
      KILN_TRY(is_a_wish(request));
      KILN_TRY(check_toolchains(request.spec.toolchains));
      KILN_TRY(warm(request, request.all, moment));
      break;
    case PoolAction::wake:
      KILN_TRY(warm(request, request.all || request.count == 0, moment));
      break;
    case PoolAction::quiesce:
      KILN_TRY(quiesce(name, moment));
      break;
    case PoolAction::resize: {
      KILN_TRY_ASSIGN(const auto made, catalog_.resize(name, request.count, moment.unix_s));
      define(made, moment);
      break;
    }
    case PoolAction::remove: {
      KILN_TRY_ASSIGN(const auto made, catalog_.remove(name, moment.unix_s));
      define(made, moment);
      break;
    }
  }
  settle(moment);
  return existed;
}

// Where there is no node yet, what will be possible is not known. Nor is the same pool again
// refused for the nodes that it has lost meanwhile.
Status PoolKeeper::is_possible(const PoolRequest& request, const Moment& moment) const {
  const auto asked = std::max(request.count, wanted_ready(request.spec, moment.week));
  const auto selector = NodeSelector::parse(request.spec.nodes);
  const auto there = catalog_.find(request.spec.name);
  if (!selector || there != nullptr) return {};  // the catalogue says what is wrong
  Pool pool;
  pool.definition = std::make_shared<const PoolDefinition>(PoolDefinition{request.spec});
  std::vector<Share> shares;
  for (const auto& [worker, node] : nodes_) {
    if (node.state != NodeState::ready || !selector->matches(*node.info)) continue;
    shares.push_back({worker, most_executors(pool, node), 0});
  }
  return shares.empty() ? Status{} : has_executors(request.spec.name, asked, shares);
}

Status PoolKeeper::warm(const PoolRequest& request, bool all, const Moment& moment) {
  const auto& name = request.spec.name;
  const auto found = pools_.find(name);
  if (found == pools_.end() || found->second.definition->deleted) return fail(no_such_pool(name));
  auto& pool = found->second;
  if (request.action == PoolAction::warm) stage_too(pool, request.spec.toolchains);
  auto shares = shares_of(name, pool, [](const Standing&) { return true; });
  if (shares.empty()) {
    return fail(Errc::unavailable, "no connected node is selected by the pool \"" + name +
                                       "\"; kiln pool show " + name +
                                       " tells which labels it asks "
                                       "for, kiln nodes which there are");
  }
  if (!all) KILN_TRY(has_executors(name, request.count, shares));
  spread(request.count, shares);
  pool.warm_total = 0;
  for (auto& share : shares) {
    if (all) share.given = share.most;
    pool.warm_total += share.given;
    wish(nodes_.at(share.node).pools.at(name), PoolWish::warm, share.given);
  }
  pool.warm_until = moment.now + kWishLasts;
  pool.warm_waits = false;
  mark(name, moment.now);
  return {};
}

void PoolKeeper::wish_of_nodes_to_come(const PoolRequest& request, const Moment& moment) {
  auto& pool = pools_.at(request.spec.name);
  pool.warm_total = request.all ? std::numeric_limits<std::uint32_t>::max() : request.count;
  pool.warm_waits = true;
  mark(request.spec.name, moment.now);
}

Status PoolKeeper::quiesce(const std::string& name, const Moment& moment) {
  if (name == kDefaultPool) {
    // Calls that name no pool count on it, and its executors have no initializer's memory to give.
    return fail(Errc::invalid_argument,
                "the pool \"default\" has an executor ready for each slot always and cannot be "
                "quiesced; kiln drain NODE keeps tasks from a node");
  }
  const auto found = pools_.find(name);
  if (found == pools_.end() || found->second.definition->deleted) return fail(no_such_pool(name));
  found->second.wish_nothing();
  for (const auto& worker : found->second.nodes) {
    wish(nodes_.at(worker).pools.at(name), PoolWish::quiesce, 0);
  }
  mark(name, moment.now);
  return {};
}

// The oldest give way, as what was asked for last is used next.
void PoolKeeper::stage_too(Pool& pool, const std::vector<PoolToolchain>& toolchains) {
  for (const auto& toolchain : toolchains) {
    const auto& own = pool.definition->spec.toolchains;
    if (std::find(own.begin(), own.end(), toolchain) != own.end()) continue;
    std::erase(pool.extra, toolchain);
    pool.extra.push_back(toolchain);
  }
  if (pool.extra.size() > kMaxToolchains) {
    pool.extra.erase(pool.extra.begin(), pool.extra.end() - kMaxToolchains);
  }
  pool.stages.clear();
}

void PoolKeeper::wish(Standing& standing, PoolWish wish, std::uint32_t warm) {
  standing.order.wish_number = next_wish_++;
  standing.order.wish = wish;
  standing.order.warm = warm;
}

void PoolKeeper::burst(const std::string& name, std::uint32_t requests, const Moment& moment) {
  const auto found = pools_.find(name);
  if (found == pools_.end()) return;
  auto& pool = found->second;
  if (pool.burst_at && moment.now < *pool.burst_at + kBurstEvery) return;
  auto shares = shares_of(name, pool, [](const Standing& standing) {
    return standing.report && (standing.report->state == PoolState::cold ||
                               standing.report->state == PoolState::quiesced);
  });
  if (shares.empty()) return;
  pool.burst_at = moment.now;
  spread(requests, shares);
  for (const auto& share : shares) {
    if (share.given == 0) continue;
    wish(nodes_.at(share.node).pools.at(name), PoolWish::warm, share.given);
  }
  mark(name, moment.now);
  settle(moment);
}

}  // namespace kiln::coordinator
