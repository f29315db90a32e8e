#include "coordinator/scheduling/scheduler.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace kiln::coordinator {
namespace {

constexpr std::size_t kRetiredEpochs = 4;
constexpr std::size_t kRecentRequests = 128;
constexpr std::size_t kMaxToolchains = 256;
constexpr std::size_t kMaxExcluded = 64;

template <typename Container, typename Value>
bool has(const Container& container, const Value& value) {
  return std::find(container.begin(), container.end(), value) != container.end();
}

NodeView view_of(const Node& node) {
  return {node.info, node.occupancy, node.state, node.heard, node.leased};
}

}  // namespace

Scheduler::Scheduler(const SchedulerOptions& options)
    : options_(options), random_(options.seed), nodes_(options.staging_per_slot) {}

Outputs Scheduler::step(const Input& input) {
  now_ = std::max(now_, input.now);
  Outputs out;
  expire(out);
  std::visit([&](const auto& event) { on(event, out); }, input.event);
  if (std::exchange(nodes_left_, false)) refuse_the_hopeless(out);
  dispatch(out);
  KILN_CHECK(queue_.size() <= options_.max_waiting);
  return out;
}

// ---- Workers -----------------------------------------------------------------------------------

void Scheduler::on(const WorkerJoined& event, Outputs& out) {
  const auto reject = [&](Errc code, const std::string& why) {
    out.push_back(WorkerRejected{event.node.name, event.node.epoch, Error{code, why}});
  };
  if (event.node.name.empty() || event.node.slots == 0) {
    return reject(Errc::invalid_argument, "a worker needs a name and at least one slot");
  }
  Node* node = nodes_.find(event.node.name);
  if (node != nullptr && has(node->retired, event.node.epoch)) {
    return reject(Errc::already_exists,
                  "a newer process of the worker \"" + event.node.name + "\" has taken its place");
  }
  if (node == nullptr && nodes_.size() >= options_.max_nodes) {
    return reject(Errc::resource_exhausted, "the coordinator serves its limit of " +
                                                std::to_string(options_.max_nodes) + " workers");
  }
  const bool same = node != nullptr && node->info->epoch == event.node.epoch;
  if (node != nullptr && !same) {
    if (node->state != NodeState::lost) {
      return reject(Errc::already_exists,
                    "another worker named \"" + event.node.name +
                        "\" is alive; give one of the two another --name, or wait for that one's "
                        "end");
    }
    node->retired.push_back(node->info->epoch);
    if (node->retired.size() > kRetiredEpochs) node->retired.erase(node->retired.begin());
  }
  if (node == nullptr) node = &nodes_.add(event.node);
  auto info = event.node;
  info.slots = std::min(info.slots, options_.max_slots);
  nodes_.change(*node, [&](Node& changed) {
    changed.info = std::make_shared<const NodeInfo>(std::move(info));
    if (same) return;
    changed.occupancy = std::make_shared<const Occupancy>();
    changed.settled = changed.peak = 0;
  });
  if (!same) {
    nodes_.change_pools(*node, [](std::map<std::string, NodePool>& pools) {
      for (auto& entry : pools) entry.second = {};
    });
  }
  apply_occupancy(*node, event.occupancy);
}

void Scheduler::on(const WorkerReported& event, Outputs& out) {
  Node* node = nodes_.find(event.worker);
  if (node == nullptr || node->info->epoch != event.epoch) {
    out.push_back(WorkerUnknown{event.worker, event.epoch});
    return;
  }
  apply_occupancy(*node, event.occupancy);
}

void Scheduler::on(const WorkerGone& event, Outputs& out) {
  Node* node = nodes_.find(event.worker);
  if (node == nullptr || node->info->epoch != event.epoch) return;
  lose_node(*node, event.reason, out);
}

// Takes over a report unless a newer one was seen; revives a node that was given up.
void Scheduler::apply_occupancy(Node& node, const Occupancy& occupancy) {
  const bool was_lost = node.state == NodeState::lost;
  node.heard = now_;
  const bool newer = occupancy.sequence >= node.occupancy->sequence;
  if (!newer && !was_lost) return;  // only a late one of a living node: it is watched already
  if (occupancy.draining && node.state == NodeState::ready) nodes_left_ = true;
  auto taken = newer ? std::make_shared<Occupancy>(occupancy) : nullptr;
  if (taken && taken->toolchains.size() > kMaxToolchains) taken->toolchains.resize(kMaxToolchains);
  nodes_.change(node, [&](Node& changed) {
    if (taken) changed.occupancy = std::move(taken);
    changed.state = changed.occupancy->draining ? NodeState::draining : NodeState::ready;
    settle(changed);
  });
  if (was_lost || !node.watched) watch_node(node);
}

// The node stays listed as lost; its leases are void.
void Scheduler::lose_node(Node& node, const std::string& reason, Outputs& out) {
  if (node.state == NodeState::lost) return;
  const auto dropped = drop_leases(leases_.of_node(node.number), LeaseEnd::worker_lost);
  nodes_.change(node, [&](Node& changed) { changed.state = NodeState::lost; });
  node.lost_at = now_;
  watch_node(node);
  nodes_left_ = true;
  out.push_back(WorkerLost{node.info->name, node.info->epoch, reason, dropped});
}

std::size_t Scheduler::drop_leases(const std::vector<std::uint64_t>& numbers, LeaseEnd why) {
  lease_ends_.at(static_cast<std::size_t>(why)) += numbers.size();
  for (const auto number : numbers) {
    const auto lease = leases_.take(number);
    auto& node = nodes_.at(lease.node);
    nodes_.add_leased(node, lease.pool, -1);
    queue_.add_held(lease.build, -1);
  }
  return numbers.size();
}

// ---- Clients -----------------------------------------------------------------------------------

Scheduler::Client* Scheduler::heard(ClientId id) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return nullptr;
  found->second.heard = now_;
  watch_client(id, found->second);
  return &found->second;
}

void Scheduler::on(const ClientJoined& event, Outputs& out) {
  if (heard(event.client) != nullptr) return;
  if (clients_.size() >= options_.max_clients) {
    out.push_back(ClientRejected{
        event.client,
        Error{Errc::resource_exhausted, "the coordinator serves its limit of " +
                                            std::to_string(options_.max_clients) + " clients"}});
    return;
  }
  auto& client = clients_[event.client];
  client.heard = now_;
  watch_client(event.client, client);
}

void Scheduler::on(const ClientHeard& event, Outputs&) {
  heard(event.client);
}

void Scheduler::on(const ClientGone& event, Outputs&) {
  for (const auto& key : queue_.of_client(event.client)) remove_request(key);
  drop_leases(leases_.of_client(event.client), LeaseEnd::client_gone);
  clients_.erase(event.client);
}

// ---- Requests ----------------------------------------------------------------------------------

void Scheduler::on(const LeasesWanted& event, Outputs& out) {
  Client* client = heard(event.key.client);
  if (client == nullptr) {
    return refuse(event.key, Error{Errc::not_found, "the client is not known; say hello first"},
                  out);
  }
  // A client may wait for more requests than are remembered here.
  const bool waits = queue_.find(event.key) != nullptr;
  if (waits || has(client->recent, event.key.request)) return;
  client->recent.push_back(event.key.request);
  if (client->recent.size() > kRecentRequests) client->recent.pop_front();

  WaitingRequest request{event, now_, now_ + options_.request_patience, next_order_};
  if (event.pool.empty()) request.wanted.pool = kDefaultPool;
  if (const auto problem = why_not(request.wanted)) return refuse(event.key, *problem, out);
  ++next_order_;
  request.wanted.count = std::min(event.count, options_.max_count);
  if (request.wanted.excluded.size() > kMaxExcluded) request.wanted.excluded.resize(kMaxExcluded);
  if (request.wanted.build.empty()) {
    request.wanted.build = "client " + std::to_string(event.key.client);
    request.wanted.is_nameless = true;
  }
  due_.emplace(request.deadline, Due::request, event.key.client, event.key.request);
  queue_.add(std::move(request));
}

std::optional<Error> Scheduler::why_not(const LeasesWanted& wanted) const {
  if (wanted.count == 0 || wanted.architecture.empty()) {
    return Error{Errc::invalid_argument, "a request names an architecture and at least one lease"};
  }
  if (!knows_pool(wanted.pool)) return no_such_pool(wanted.pool);
  if (nodes_.usable(wanted.lane()) == 0 || all_excluded(wanted)) return no_node_for(wanted);
  if (queue_.size() >= options_.max_waiting ||
      queue_.waiting_of(wanted.key.client) >= options_.max_waiting_per_client) {
    return Error{Errc::resource_exhausted, "too many requests wait for leases already (" +
                                               std::to_string(queue_.size()) +
                                               "); try again later"};
  }
  return std::nullopt;
}

bool Scheduler::all_excluded(const LeasesWanted& wanted) const {
  const auto usable = nodes_.usable(wanted.lane());
  if (usable > wanted.excluded.size()) return false;
  std::set<std::string> excluded;
  for (const auto& name : wanted.excluded) {
    const auto* node = nodes_.find(name);
    if (node != nullptr && nodes_.is_usable(wanted.lane(), *node)) excluded.insert(name);
  }
  return excluded.size() >= usable;
}

Error Scheduler::no_node_for(const LeasesWanted& wanted) const {
  const auto usable = nodes_.usable(wanted.lane());
  std::string why = "no worker can take the task: ";
  if (usable > 0) {
    why += "all " + std::to_string(usable) + " are excluded as the task just failed on them";
  } else if (nodes_.size() == 0) {
    why += "none is connected to this coordinator";
  } else if (wanted.pool != kDefaultPool) {
    return no_node_of_pool(wanted);
  } else {
    why += "of architecture " + wanted.architecture + " none is ready (" +
           std::to_string(nodes_.in_state(NodeState::ready)) + " of another, " +
           std::to_string(nodes_.in_state(NodeState::draining)) + " draining, " +
           std::to_string(nodes_.in_state(NodeState::lost)) + " lost)";
  }
  return Error{Errc::unavailable, why};
}

void Scheduler::refuse(const RequestKey& key, Error error, Outputs& out) {
  out.push_back(LeasesRefused{key, std::move(error)});
}

// REQUIRES: it waits.
void Scheduler::remove_request(const RequestKey& key) {
  const auto deadline = queue_.find(key)->deadline;
  due_.erase({deadline, Due::request, key.client, key.request});
  queue_.remove(key);
}

// Requests that no node is left for need not wait for their deadline.
void Scheduler::refuse_the_hopeless(Outputs& out) {
  for (const auto& lane : queue_.lanes()) {
    const bool exists = knows_pool(lane.pool);
    if (exists && nodes_.usable(lane) > kMaxExcluded) continue;
    for (const auto& key : queue_.of_lane(lane)) {
      const auto& wanted = queue_.find(key)->wanted;
      if (exists && nodes_.usable(lane) > 0 && !all_excluded(wanted)) continue;
      refuse(key, exists ? no_node_for(wanted) : no_such_pool(lane.pool), out);
      remove_request(key);
    }
  }
}

void Scheduler::on(const LeasesUnwanted& event, Outputs&) {
  heard(event.key.client);
  if (queue_.find(event.key) != nullptr) remove_request(event.key);
}

void Scheduler::on(const LeasesReleased& event, Outputs&) {
  heard(event.client);
  for (const auto& id : event.leases) {
    const auto* lease = id.coordinator_epoch == options_.epoch ? leases_.find(id.number) : nullptr;
    if (lease != nullptr && lease->client == event.client)
      drop_leases({id.number}, LeaseEnd::released);
  }
}

std::vector<NodeView> Scheduler::nodes() const {
  std::vector<NodeView> views;
  for (const auto* node : nodes_.all()) views.push_back(view_of(*node));
  return views;
}

std::optional<NodeView> Scheduler::node(const std::string& name) const {
  const auto* node = nodes_.find(name);
  if (node == nullptr) return std::nullopt;
  return view_of(*node);
}

}  // namespace kiln::coordinator
