#include "coordinator/live/farm_events.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kiln::coordinator {
namespace {

std::string counted(std::size_t number, const std::string& one) {
  return std::to_string(number) + " " + one + (number == 1 ? "" : "s");
}

std::string lost_text(const std::string& node, const WorkerLost& loss) {
  const std::string why = loss.reason == "goodbye"  ? " left in good order"
                          : loss.reason == "closed" ? " was lost: its connection ended"
                          : loss.reason == "silent" ? " was lost: nothing was heard of it"
                                                    : " was lost: " + loss.reason;
  if (loss.leases == 0) return node + why;
  return node + why + "; " + counted(loss.leases, "lease") + " on it";
}

}  // namespace

std::string_view name(Severity severity) {
  static constexpr std::array<std::string_view, 4> kNames = {"info", "good", "warning", "bad"};
  return kNames.at(static_cast<std::size_t>(severity));
}

void FarmEvents::started(TimePoint now, const std::string& version) {
  add(now, "coordinator_started", Severity::info, "coordinator",
      "the coordinator " + version + " started");
}

void FarmEvents::look(std::uint64_t look, const FarmSnapshot& farm,
                      const std::vector<WorkerLost>& losses) {
  look_ = look;
  look_at_nodes(farm, losses);
  look_at_pools(farm);
  looked_ = true;
}

void FarmEvents::look_at_nodes(const FarmSnapshot& farm, const std::vector<WorkerLost>& losses) {
  std::map<std::string, const WorkerLost*> lost;
  for (const auto& loss : losses) lost[loss.worker] = &loss;
  std::map<std::string, NodeState> seen;
  for (const auto& view : farm.nodes) {
    const auto& node = view.info->name;
    const auto known = nodes_.find(node);
    const auto before = known == nodes_.end() ? NodeState::lost : known->second;
    const auto loss = lost.find(node);
    look_at_node(view, before, loss == lost.end() ? nullptr : loss->second, farm.taken);
    seen.emplace(node, view.state);
  }
  nodes_ = std::move(seen);
}

// It may have gone and come back since the last look.
void FarmEvents::look_at_node(const NodeView& view, NodeState before, const WorkerLost* loss,
                              TimePoint now) {
  const auto& node = view.info->name;
  const bool went = before != NodeState::lost && (loss != nullptr || view.state == NodeState::lost);
  if (went) {
    const bool left = loss != nullptr && loss->reason == "goodbye";
    add(now, left ? "node_left" : "node_lost", left ? Severity::info : Severity::bad, node,
        loss == nullptr ? node + " was lost" : lost_text(node, *loss));
    before = NodeState::lost;
  }
  if (view.state == NodeState::lost) return;
  if (before == NodeState::lost) {
    add(now, "node_joined", Severity::good, node,
        node + " joined with " + counted(view.info->slots, "slot"));
    before = NodeState::ready;
  }
  if (before == view.state) return;
  if (view.state == NodeState::draining) {
    add(now, "node_draining", Severity::warning, node, node + " takes no new tasks");
  } else {
    add(now, "node_resumed", Severity::good, node, node + " takes tasks again");
  }
}

void FarmEvents::look_at_pools(const FarmSnapshot& farm) {
  std::map<std::string, Pool> seen;
  for (const auto& view : farm.pools) {
    const auto& pool = view.definition->spec.name;
    const auto known = pools_.find(pool);
    Pool state = known == pools_.end() ? Pool{view.definition->version, {}} : known->second;
    if (known == pools_.end() && looked_) {
      add(farm.taken, "pool_created", Severity::info, pool, "the pool " + pool + " was made");
    } else if (state.version != view.definition->version) {
      state.version = view.definition->version;
      add(farm.taken, "pool_changed", Severity::info, pool, "the pool " + pool + " was changed");
    }
    look_at_health(view, state, farm.taken);
    seen.emplace(pool, state);
  }
  for (const auto& entry : pools_) {
    if (seen.contains(entry.first)) continue;
    add(farm.taken, "pool_deleted", Severity::info, entry.first,
        "the pool " + entry.first + " was deleted");
  }
  pools_ = std::move(seen);
}

void FarmEvents::look_at_health(const PoolView& view, Pool& known, TimePoint now) {
  const auto& pool = view.definition->spec.name;
  const PoolNodeView* newly = nullptr;
  bool mended = false;
  std::set<std::string> broken;
  for (const auto& node : view.nodes) {
    const bool was = known.broken.contains(node.node);
    // What became of it on a node that is lost is not known.
    const bool is = node.state == NodeState::lost ? was : node.pool->state == PoolState::broken;
    if (is) broken.insert(node.node);
    if (is && !was && newly == nullptr) newly = &node;
    mended = mended || (was && !is);
  }
  if (newly != nullptr) {
    auto text = "the pool " + pool + " is broken on " + newly->node;
    if (broken.size() > 1) text += " and " + counted(broken.size() - 1, "other node");
    if (!newly->pool->reason.empty()) text += ": " + newly->pool->reason;
    add(now, "pool_broken", Severity::bad, pool, std::move(text));
  } else if (mended && broken.empty()) {
    add(now, "pool_mended", Severity::good, pool, "the pool " + pool + " is broken nowhere now");
  }
  known.broken = std::move(broken);
}

void FarmEvents::add(TimePoint at, std::string kind, Severity severity, const std::string& subject,
                     std::string text) {
  events_.push_back({++last_, look_, at, std::move(kind), severity, subject, std::move(text)});
  if (events_.size() > capacity_) events_.pop_front();
}

}  // namespace kiln::coordinator
