// Pools, as far as they decide which nodes may have whose tasks.
#include <algorithm>
#include <utility>

#include "coordinator/scheduling/scheduler.h"

namespace kiln::coordinator {

bool Scheduler::knows_pool(const std::string& pool) const {
  return pool == kDefaultPool || pools_.count(pool) != 0;
}

// Not Errc::not_found, which would mean that the client is not known.
Error Scheduler::no_such_pool(const std::string& pool) {
  return Error{Errc::invalid_argument, "there is no pool \"" + pool +
                                           "\" (any more); make it with kiln pool create " + pool +
                                           ", or use the pool \"default\""};
}

void Scheduler::on(const PoolsSelected& event, Outputs&) {
  for (const auto& change : event.changes) {
    if (change.exists) {
      pools_[change.pool].asks = change.asks;
    } else if (pools_.erase(change.pool) != 0) {
      nodes_.drop_pool(change.pool);
      nodes_left_ = true;
      continue;
    }
    for (const auto& name : change.added) {
      auto* node = nodes_.find(name);
      if (node == nullptr) continue;
      nodes_.change_pools(*node, [&](auto& pools) { pools.try_emplace(change.pool); });
    }
    for (const auto& name : change.removed) {
      auto* node = nodes_.find(name);
      if (node == nullptr) continue;
      nodes_.deselect(*node, change.pool);
      nodes_left_ = true;
    }
    note_selection(change);
  }
}

void Scheduler::note_selection(const PoolSelection& selection) {
  const auto found = pools_.find(selection.pool);
  if (found == pools_.end()) return;
  auto& empty_since = found->second.empty_since;
  if (!nodes_.pools().selected(selection.pool).empty()) {
    empty_since.reset();
  } else if (!empty_since) {
    empty_since = now_;
  }
}

// Whoever insists asks again after Errc::unavailable.
Error Scheduler::no_node_selected(const std::string& name) const {
  constexpr std::size_t kNamed = 3;
  const auto& pool = pools_.at(name);
  std::string why = "the pool \"" + name + "\" selects no node (" +
                    (pool.asks.empty() ? "it asks for no label" : pool.asks) + "); nodes here: ";
  const auto nodes = nodes_.all();
  for (std::size_t i = 0; i < std::min(nodes.size(), kNamed); ++i) {
    const auto& info = *nodes[i]->info;
    std::string labels;
    for (const auto& [key, value] : info.labels) {
      labels += (labels.empty() ? "" : ",") + key + (value.empty() ? "" : "=" + value);
    }
    why += (i > 0 ? ", " : "") + info.name + (labels.empty() ? "" : " (" + labels + ")");
  }
  if (nodes.size() > kNamed) why += " and " + std::to_string(nodes.size() - kNamed) + " more";
  // One whose last node was forgotten has had minutes.
  const bool may_come = pool.empty_since && now_ < *pool.empty_since + options_.selection_grace;
  return Error{may_come ? Errc::unavailable : Errc::unsupported, why};
}

void Scheduler::on(const WorkerPools& event, Outputs&) {
  auto* node = nodes_.find(event.worker);
  if (node == nullptr || node->info->epoch != event.epoch) return;
  nodes_.change_pools(*node, [&](std::map<std::string, NodePool>& pools) {
    if (event.complete) {
      for (auto& entry : pools) {
        const auto leased = entry.second.leased;
        entry.second = {};
        entry.second.leased = leased;
      }
    }
    for (const auto& told : event.pools) {
      const auto found = pools.find(told.name);
      if (found == pools.end()) continue;
      auto& pool = found->second;
      // A pool without a version is not on the node, as yet or any more.
      pool.known = told.version > 0;
      pool.broken = pool.known && told.state == PoolState::broken;
      pool.reason = told.reason;
      pool.warming = pool.known && !pool.broken && told.starting > 0;
      pool.warm = told.ready + told.busy;
      pool.executors = told.executors;
      if (pool.broken) nodes_left_ = true;
    }
  });
}

// An initializer may take an hour, and until it is over a node serves nobody beyond its first
// tasks: that is no reason to send the others away. It ends with executors that are ready or a node
// that is broken, so no request is kept for ever.
bool Scheduler::keep_while_warming(const RequestKey& key, Outputs& out) {
  auto* request = queue_.find(key);
  if (nodes_.pools().warming(request->wanted.lane()).empty()) return false;
  request->deadline = now_ + options_.request_patience;
  due_.emplace(request->deadline, Due::request, key.client, key.request);
  out.push_back(RequestKept{key});
  return true;
}

// Only its own nodes are looked at, and that none of them will do is rare.
Error Scheduler::no_node_of_pool(const LeasesWanted& wanted) const {
  std::string why = "no worker can take the task: ";
  const auto& members = nodes_.pools().selected(wanted.pool).nodes();
  if (members.empty()) return no_node_selected(wanted.pool);
  std::size_t lost = 0;
  std::size_t draining = 0;
  std::size_t other = 0;
  std::vector<std::string> broken;
  for (const auto number : members) {
    const auto& node = nodes_.at(number);
    if (node.info->architecture != wanted.architecture) {
      ++other;
    } else if (node.state != NodeState::ready) {
      ++(node.state == NodeState::lost ? lost : draining);
    } else if (const auto& pool = node.pools.at(wanted.pool); pool.broken) {
      broken.push_back(node.info->name + ": " + (pool.reason.empty() ? "?" : pool.reason));
    }
  }
  std::sort(broken.begin(), broken.end());
  why += "of the " + std::to_string(members.size()) + " nodes of the pool \"" + wanted.pool +
         "\" none is ready (" + std::to_string(other) + " of another architecture, " +
         std::to_string(draining) + " draining, " + std::to_string(lost) + " lost, " +
         std::to_string(broken.size()) + " broken";
  if (!broken.empty()) {
    why += ", " + broken.front() + "; kiln pool warm " + wanted.pool + " tries again";
  }
  // Nobody tries a broken pool again before being told to: asking again is in vain. But a node that
  // drains or was just lost may be back in a moment.
  const bool for_good = !broken.empty() && draining == 0 && lost == 0;
  return Error{for_good ? Errc::permission_denied : Errc::unavailable, why + ")"};
}

}  // namespace kiln::coordinator
