// What the passing of time does. Nodes and clients that are heard of every second have one entry
// each, looked at only when it is due and then moved on: a heartbeat costs no re-sorting.
#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "coordinator/scheduling/scheduler.h"

namespace kiln::coordinator {

Duration Scheduler::silence() const {
  return options_.heartbeat * options_.missed_heartbeats;
}

// Moves the node's one entry to where it must be looked at next.
void Scheduler::watch_node(Node& node) {
  if (node.watched) due_.erase({*node.watched, Due::node, node.number, 0});
  const bool lost = node.state == NodeState::lost;
  node.watched = lost ? node.lost_at + options_.forget_lost : node.heard + silence();
  due_.emplace(*node.watched, Due::node, node.number, 0);
}

void Scheduler::node_due(NodeNumber number, Outputs& out) {
  auto& node = nodes_.at(number);
  node.watched.reset();
  if (node.state == NodeState::lost && node.lost_at + options_.forget_lost <= now_) {
    out.push_back(WorkerForgotten{node.info->name});
    nodes_.remove(number);
    return;
  }
  if (node.state != NodeState::lost && node.heard + silence() <= now_) {
    lose_node(node, "silent", out);
    return;
  }
  watch_node(node);
}

// Called for each report and at each window's end, while the node is out of the indexes: `settled`
// is the most that was occupied in this window and the one before.
void Scheduler::settle(Node& node) {
  const auto occupied = node.occupied();
  if (occupied > node.leased) node.shared_until = now_ + options_.sharing_memory;
  if (now_ >= node.shared_until) {
    node.settled = node.peak = 0;
    return;
  }
  node.peak = std::max(node.peak, occupied);
  node.settled = std::max(node.settled, occupied);
  if (now_ >= node.settles) {
    node.settled = std::exchange(node.peak, occupied);
    // At chance, so that coordinators that saw the same slot come free do not lend it together.
    const auto span = static_cast<std::size_t>(options_.settle.count()) + 1;
    node.settles = now_ + options_.settle + Duration(random_.below(span));
  }
  if (node.settled > occupied) due_.emplace(node.settles, Due::settling, node.number, 0);
}

void Scheduler::watch_client(ClientId id, Client& client) {
  if (std::exchange(client.watched, true)) return;
  due_.emplace(client.heard + silence(), Due::client, id, 0);
}

void Scheduler::client_due(ClientId id, Outputs& out) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  auto& client = found->second;
  client.watched = false;
  if (client.heard + silence() > now_) return watch_client(id, client);
  // Told of each request, as it may only have paused: what it still waits for never comes.
  for (const auto& key : queue_.of_client(id)) {
    remove_request(key);
    refuse(key, Error{Errc::timed_out, "the agent was silent for too long; ask again"}, out);
  }
  out.push_back(ClientLost{id, drop_leases(leases_.of_client(id), LeaseEnd::client_gone)});
}

std::optional<TimePoint> Scheduler::next_deadline() const {
  std::optional<TimePoint> next;
  if (!due_.empty()) next = std::get<0>(*due_.begin());
  if (const auto lease = leases_.first_to_expire(); lease && (!next || lease->first < *next)) {
    next = lease->first;
  }
  return next;
}

void Scheduler::on(const Tick&, Outputs&) {}

void Scheduler::expire(Outputs& out) {
  for (auto lease = leases_.first_to_expire(); lease && lease->first <= now_;
       lease = leases_.first_to_expire()) {
    drop_leases({lease->second}, LeaseEnd::expired);
  }
  while (!due_.empty() && std::get<0>(*due_.begin()) <= now_) {
    const auto due = *due_.begin();
    due_.erase(due_.begin());
    const auto id = std::get<2>(due);
    switch (std::get<1>(due)) {
      case Due::node:
        node_due(static_cast<NodeNumber>(id), out);
        break;
      case Due::settling:
        if (nodes_.contains(static_cast<NodeNumber>(id))) {
          nodes_.change(nodes_.at(static_cast<NodeNumber>(id)), [&](Node& node) { settle(node); });
        }
        break;
      case Due::client:
        client_due(id, out);
        break;
      case Due::request: {
        const RequestKey key{id, std::get<3>(due)};
        if (queue_.find(key) == nullptr || keep_while_warming(key, out)) break;
        remove_request(key);
        refuse(key, Error{Errc::timed_out, "no slot came free in time; the farm is busy"}, out);
        break;
      }
    }
  }
}

}  // namespace kiln::coordinator
