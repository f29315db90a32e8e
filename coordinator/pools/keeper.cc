#include "coordinator/pools/keeper.h"

#include <algorithm>
#include <utility>

namespace kiln::coordinator {
namespace {

// A node that does not tell how its pools stand is told without having been heard.
constexpr Duration kIntroduction = seconds(1);
// A clock that is set, or a summer that begins, is noticed after so long.
constexpr std::uint32_t kMostMinutes = 60;

PoolDefinition default_definition() {
  PoolDefinition definition;
  definition.spec.name = kDefaultPool;
  return definition;
}

// A selector as people write it.
std::string text_of(const std::vector<std::string>& terms) {
  std::string text;
  for (const auto& term : terms) text += (text.empty() ? "" : ",") + term;
  return text;
}

}  // namespace

PoolKeeper::PoolKeeper(std::uint64_t seed, std::uint64_t epoch) : epoch_(epoch), random_(seed) {
  pools_[kDefaultPool].definition = std::make_shared<const PoolDefinition>(default_definition());
}

// ---- Definitions -------------------------------------------------------------------------------

void PoolKeeper::load(const std::vector<PoolDefinition>& definitions, const Moment& moment) {
  for (const auto& definition : definitions) catalog_.learn(definition, moment.unix_s);
  for (const auto& definition : catalog_.all()) define(definition, moment);
  out_.definitions_changed = false;
  look_at_the_clock(moment);
}

Status PoolKeeper::put(const PoolSpec& spec, const Moment& moment) {
  KILN_TRY_ASSIGN(const auto made, catalog_.put(spec, moment.unix_s));
  operators_.insert_or_assign(spec.name, spec);
  define(made.definition, moment);
  look_at_the_clock(moment);
  settle(moment);
  return {};
}

// What a worker still knew of an operator's pool is replaced as it would have been at the start,
// had it been on the disk then. Only once: of two coordinators whose files differ the later one
// wins.
void PoolKeeper::insist(const std::string& name, const Moment& moment) {
  const auto word = operators_.extract(name);
  if (!word.empty()) (void)catalog_.put(word.mapped(), moment.unix_s);
}

// Takes a definition into force that the catalogue holds.
void PoolKeeper::define(const DefinitionPtr& definition, const Moment& moment) {
  const auto& name = definition->spec.name;
  auto& pool = pools_[name];
  if (pool.definition == definition) return;
  pool.definition = definition;
  pool.stages.clear();
  if (definition->deleted) {
    pool.extra.clear();
    pool.wish_nothing();
  }
  // The catalogue holds none whose selector cannot be read.
  pool.selector = NodeSelector::parse(definition->spec.nodes).value_or(NodeSelector{});
  PoolSelection selection{name, !definition->deleted, {}, {}, text_of(definition->spec.nodes)};
  for (auto& [worker, node] : nodes_) {
    if (!select(name, pool, node)) continue;
    (selects(pool, node) ? selection.added : selection.removed).push_back(worker);
  }
  out_.selections.push_back(std::move(selection));
  out_.definitions_changed = true;
  mark(name, moment.now);
}

bool PoolKeeper::selects(const Pool& pool, const Node& node) const {
  return !pool.definition->deleted && pool.selector.matches(*node.info);
}

bool PoolKeeper::select(const std::string& name, Pool& pool, Node& node) {
  const bool selected = selects(pool, node);
  // Who never heard of a deleted pool need not.
  if (pool.definition->deleted && node.pools.count(name) == 0) return false;
  auto& standing = node.pools[name];
  standing.order.definition = pool.definition;
  if (standing.order.selected == selected) return false;
  standing.order = {pool.definition, selected, 0, 0, PoolWish::none, 0, nullptr, {}};
  if (selected) {
    pool.nodes.insert(node.info->name);
  } else {
    pool.nodes.erase(node.info->name);
  }
  return true;
}

// ---- Time --------------------------------------------------------------------------------------

void PoolKeeper::mark(const std::string& pool, TimePoint when) {
  const auto added = due_.emplace(pool, when);
  added.first->second = std::min(added.first->second, when);
}

// Marks the pools whose executors are spread anew when a node comes or goes.
void PoolKeeper::mark_spreads(const Node& node, const Moment& moment) {
  for (const auto& [name, standing] : node.pools) {
    if (!standing.order.selected) continue;
    const auto& pool = pools_.at(name);
    if (pool.makes_up(moment.now) || wanted_ready(pool.definition->spec, moment.week) > 0) {
      mark(name, moment.now + kCrowd);
    }
  }
}

void PoolKeeper::mark_stages(const std::vector<Digest>& toolchains, const Moment& moment) {
  for (auto& [name, pool] : pools_) {
    const auto staged = [&](const std::vector<PoolToolchain>& of_pool) {
      return std::any_of(of_pool.begin(), of_pool.end(), [&](const PoolToolchain& toolchain) {
        return std::find(toolchains.begin(), toolchains.end(), toolchain.digest) !=
               toolchains.end();
      });
    };
    if (!staged(pool.definition->spec.toolchains) && !staged(pool.extra)) continue;
    const auto soonest = pool.sources_at ? *pool.sources_at + kSourcesEvery : moment.now;
    mark(name, std::max(moment.now, soonest));
  }
}

void PoolKeeper::look_at_the_clock(const Moment& moment) {
  auto least = kMostMinutes;
  for (const auto& [name, pool] : pools_) {
    const auto minutes = minutes_to_change(pool.definition->spec, moment.week);
    if (minutes == 0) continue;
    least = std::min(least, minutes);
    mark(name, moment.now);
  }
  clock_at_ = moment.now + std::chrono::minutes(least) - seconds(moment.unix_s % 60);
}

void PoolKeeper::tick(const Moment& moment) {
  if (clock_at_ && *clock_at_ <= moment.now) {
    catalog_.forget_deleted(moment.unix_s);
    drop_forgotten();
    look_at_the_clock(moment);
  }
  settle(moment);
}

void PoolKeeper::drop_forgotten() {
  std::set<std::string> kept = {kDefaultPool};
  for (const auto& definition : catalog_.all()) kept.insert(definition->spec.name);
  const auto gone = [&](const auto& entry) { return kept.count(entry.first) == 0; };
  std::erase_if(pools_, gone);
  std::erase_if(due_, gone);
  for (auto& entry : nodes_) std::erase_if(entry.second.pools, gone);
}

std::optional<TimePoint> PoolKeeper::next_deadline() const {
  auto next = clock_at_;
  const auto consider = [&](TimePoint when) { next = next ? std::min(*next, when) : when; };
  for (const auto& entry : due_) consider(entry.second);
  if (!strangers_.empty()) consider(strangers_.begin()->first);
  return next;
}

// ---- Nodes -------------------------------------------------------------------------------------

void PoolKeeper::joined(const NodeView& view, const Moment& moment) {
  const auto& name = view.info->name;
  auto& node = nodes_[name];
  const bool same = node.info != nullptr && node.info->epoch == view.info->epoch;
  node.info = view.info;
  if (!same) {
    for (auto& entry : node.pools) forget_report(entry.second);
  }
  for (auto& [pool_name, pool] : pools_) {
    if (!select(pool_name, pool, node) || pool_name == kDefaultPool) continue;
    PoolSelection selection{pool_name, true, {}, {}, text_of(pool.definition->spec.nodes)};
    (selects(pool, node) ? selection.added : selection.removed).push_back(name);
    out_.selections.push_back(std::move(selection));
  }
  tell_all_again(node, moment.now + kIntroduction);
  node.occupancy.reset();
  take_over(node, view, moment);
  mark_spreads(node, moment);
  settle(moment);
}

void PoolKeeper::seen(const NodeView& view, const Moment& moment) {
  const auto found = nodes_.find(view.info->name);
  if (found == nodes_.end()) return;
  take_over(found->second, view, moment);
  settle(moment);
}

// Heard each second of each node, so that nothing is done for what did not change.
void PoolKeeper::take_over(Node& node, const NodeView& view, const Moment& moment) {
  const auto& name = node.info->name;
  const bool other_state = node.state != view.state;
  const bool was_lost = node.state == NodeState::lost;
  node.state = view.state;
  const bool lost = node.state == NodeState::lost;
  if (other_state) mark_spreads(node, moment);
  if (lost) {
    sources_.remove(name);
    introduce_at(node, std::nullopt);
  } else if (was_lost && !node.introduce_at) {
    tell_all_again(node, moment.now);
  }
  const bool news = node.occupancy == nullptr ||
                    node.occupancy->toolchains != view.occupancy->toolchains || was_lost != lost;
  node.occupancy = view.occupancy;
  if (!news || lost) return;
  sources_.set(name, node.info->bulk_address, node.occupancy->toolchains);
  mark_stages(node.occupancy->toolchains, moment);
}

void PoolKeeper::forgotten(const std::string& name) {
  for (auto& entry : pools_) entry.second.nodes.erase(name);
  sources_.remove(name);
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) return;
  introduce_at(found->second, std::nullopt);
  nodes_.erase(found);
}

void PoolKeeper::unsent(const std::string& name, const Moment& moment) {
  const auto found = nodes_.find(name);
  if (found == nodes_.end() || found->second.state == NodeState::lost) return;
  tell_all_again(found->second, moment.now + kIntroduction);
}

void PoolKeeper::tell_all_again(Node& node, TimePoint when) {
  for (auto& entry : node.pools) entry.second.told.reset();
  introduce_at(node, when);
}

void PoolKeeper::introduce_at(Node& node, std::optional<TimePoint> when) {
  const auto& name = node.info->name;
  if (node.introduce_at) strangers_.erase({*node.introduce_at, name});
  node.introduce_at = when;
  if (when) strangers_.emplace(*when, name);
}

void PoolKeeper::forget_report(Standing& standing) {
  standing.report.reset();
  standing.reflected = 0;
}

void PoolKeeper::reported(const WorkerReport& report, const Moment& moment) {
  const auto found = nodes_.find(report.worker);
  if (found == nodes_.end() || found->second.info->epoch != report.epoch) return;
  auto& node = found->second;
  ++events_;
  node.numbers = report.coordinator_epoch != 0;
  if (report.complete) {
    for (auto& entry : node.pools) forget_report(entry.second);
    if (node.introduce_at) introduce_at(node, moment.now);
  }
  bool learned = false;
  for (const auto& definition : report.definitions) {
    const auto& name = definition.spec.name;
    if (catalog_.learn(definition, moment.unix_s)) {
      learned = true;
      insist(name, moment);
      // The catalogue may have made room by forgetting the oldest deleted one, even this.
      if (const auto known = catalog_.known(name)) define(known, moment);
    }
    hear_definition(node, definition, moment);
  }
  if (learned) look_at_the_clock(moment);
  for (const auto& pool : report.pools) {
    const auto known = pools_.find(pool.name);
    if (known == pools_.end()) continue;
    auto& standing = node.pools[pool.name];
    standing.order.definition = known->second.definition;
    standing.reflected = report.coordinator_epoch == epoch_ ? pool.order : 0;
    standing.reported_at = events_;
    if (pool.version == 0 && pool.name != kDefaultPool) {  // it is not there (any more)
      standing.report.reset();
      continue;
    }
    const bool was_broken = standing.report && standing.report->state == PoolState::broken;
    if (was_broken != (pool.state == PoolState::broken)) mark_spreads(node, moment);
    standing.report = std::make_shared<const PoolOnNode>(pool);
    standing.known = true;
  }
  settle(moment);
}

// A node that holds on to another definition than the one that counts is told again.
void PoolKeeper::hear_definition(Node& node, const PoolDefinition& heard, const Moment& moment) {
  const auto found = pools_.find(heard.spec.name);
  if (found == pools_.end() || found->first == kDefaultPool) return;
  const auto& known = *found->second.definition;
  auto& standing = node.pools[found->first];
  standing.order.definition = found->second.definition;
  standing.known = true;
  const bool both_deleted = heard.deleted && known.deleted && heard.version == known.version;
  if (known == heard || both_deleted) return;
  standing.told.reset();
  mark(found->first, moment.now);
}

}  // namespace kiln::coordinator
