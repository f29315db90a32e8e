#include "coordinator/scheduling/node_table.h"

#include <algorithm>

#include "common/base/check.h"

namespace kiln::coordinator {
namespace {

const NodeSet& no_nodes() {
  static const NodeSet kEmpty;
  return kEmpty;
}

template <typename Map, typename Key>
const NodeSet& room_set(const Map& map, const Key& key, Room room) {
  const auto found = map.find(key);
  if (found == map.end() || room == Room::none) return no_nodes();
  return found->second.by_room.at(static_cast<std::size_t>(room));
}

}  // namespace

std::uint64_t Node::used() const {
  return std::max({occupied(), settled, std::uint64_t{leased}});
}

Node* NodeTable::find(const std::string& name) {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &at(found->second);
}

const Node* NodeTable::find(const std::string& name) const {
  return const_cast<NodeTable*>(this)->find(name);
}

Node& NodeTable::at(NodeNumber number) {
  const auto found = nodes_.find(number);
  KILN_CHECK(found != nodes_.end());
  return found->second;
}

const Node& NodeTable::at(NodeNumber number) const {
  return const_cast<NodeTable*>(this)->at(number);
}

Node& NodeTable::add(const NodeInfo& info) {
  const auto number = next_++;
  KILN_CHECK(by_name_.emplace(info.name, number).second);
  auto& node = nodes_[number];
  node.number = number;
  node.info = std::make_shared<const NodeInfo>(info);
  index(node);
  return node;
}

void NodeTable::remove(NodeNumber number) {
  auto& node = at(number);
  unindex(node);
  pools_.remove(node);
  by_name_.erase(node.info->name);
  nodes_.erase(number);
}

void NodeTable::add_leased(Node& node, const std::string& pool, int change) {
  const auto add = [change](std::uint32_t& leased) {
    if (change > 0) {
      ++leased;
    } else if (leased > 0) {
      --leased;
    }
  };
  KILN_CHECK(change > 0 || node.leased > 0);
  // Less is not known of a pool that was taken from the node meanwhile, and given back to it.
  const auto found = node.pools.find(pool);
  if (found != node.pools.end()) add(found->second.leased);
  unindex_room(node);
  add(node.leased);
  index_room(node);
  pools_.update(node, pool);
}

Room NodeTable::room_of(const Node& node) const {
  if (node.state != NodeState::ready) return Room::none;
  const std::uint64_t slots = node.info->slots;
  if (node.used() < slots) return Room::slot;
  if (node.used() < slots * (1 + staging_per_slot_)) return Room::staging;
  return Room::none;
}

std::uint64_t NodeTable::free_slots_of(const Node& node) const {
  if (node.state != NodeState::ready || node.used() >= node.info->slots) return 0;
  return node.info->slots - node.used();
}

void NodeTable::index(Node& node) {
  ++by_state_.at(static_cast<std::size_t>(node.state));
  if (node.state != NodeState::lost) {
    // Two names with one hash share a place on the ring; the later one does without affinity.
    ring_.emplace(stable_hash(node.info->name), node.number);
    for (const auto& toolchain : node.occupancy->toolchains) {
      by_toolchain_[toolchain].usable.insert(node.number);
    }
  }
  if (node.state == NodeState::ready) {
    by_architecture_[node.info->architecture].usable.insert(node.number);
    total_slots_ += node.info->slots;
  }
  index_room(node);
}

void NodeTable::unindex(Node& node) {
  unindex_room(node);
  --by_state_.at(static_cast<std::size_t>(node.state));
  const auto place = ring_.find(stable_hash(node.info->name));
  if (place != ring_.end() && place->second == node.number) ring_.erase(place);
  for (const auto& toolchain : node.occupancy->toolchains) {
    const auto found = by_toolchain_.find(toolchain);
    if (found == by_toolchain_.end()) continue;
    found->second.usable.erase(node.number);
    if (found->second.usable.empty()) by_toolchain_.erase(found);
  }
  if (node.state == NodeState::ready) {
    const auto found = by_architecture_.find(node.info->architecture);
    found->second.usable.erase(node.number);
    if (found->second.usable.empty()) by_architecture_.erase(found);
    total_slots_ -= node.info->slots;
  }
}

void NodeTable::index_room(Node& node) {
  node.room = room_of(node);
  pools_.update(node, false);
  free_slots_ += free_slots_of(node);
  if (node.room == Room::none) return;
  const auto room = static_cast<std::size_t>(node.room);
  by_architecture_[node.info->architecture].by_room.at(room).insert(node.number);
  for (const auto& toolchain : node.occupancy->toolchains) {
    by_toolchain_[toolchain].by_room.at(room).insert(node.number);
  }
}

void NodeTable::unindex_room(Node& node) {
  free_slots_ -= free_slots_of(node);
  if (node.room == Room::none) return;
  const auto room = static_cast<std::size_t>(node.room);
  by_architecture_[node.info->architecture].by_room.at(room).erase(node.number);
  for (const auto& toolchain : node.occupancy->toolchains) {
    by_toolchain_[toolchain].by_room.at(room).erase(node.number);
  }
  node.room = Room::none;
}

void NodeTable::deselect(Node& node, const std::string& pool) {
  pools_.remove(node, pool);
  node.pools.erase(pool);
}

void NodeTable::drop_pool(const std::string& pool) {
  const auto members = pools_.selected(pool).nodes();
  for (const auto number : members) at(number).pools.erase(pool);
  pools_.drop(pool);
}

const NodeSet& NodeTable::with_room(const Lane& lane, Room room) const {
  if (lane.pool != kDefaultPool) return pools_.with_room(lane, room);
  return room_set(by_architecture_, lane.architecture, room);
}

const NodeSet& NodeTable::staged_with_room(const Digest& toolchain, Room room) const {
  return room_set(by_toolchain_, toolchain, room);
}

const NodeSet& NodeTable::staged(const Digest& toolchain) const {
  const auto found = by_toolchain_.find(toolchain);
  return found == by_toolchain_.end() ? no_nodes() : found->second.usable;
}

std::size_t NodeTable::usable(const Lane& lane) const {
  if (lane.pool != kDefaultPool) return pools_.hopeful(lane).size();
  const auto found = by_architecture_.find(lane.architecture);
  return found == by_architecture_.end() ? 0 : found->second.usable.size();
}

bool NodeTable::is_usable(const Lane& lane, const Node& node) const {
  if (lane.pool != kDefaultPool) return pools_.hopeful(lane).contains(node.number);
  return node.state == NodeState::ready && node.info->architecture == lane.architecture;
}

void NodeTable::near(const std::string& key, std::size_t limit,
                     std::vector<NodeNumber>& out) const {
  const auto start = ring_.lower_bound(stable_hash(key));
  auto place = start;
  for (std::size_t i = 0; i < std::min(limit, ring_.size()); ++i) {
    if (place == ring_.end()) place = ring_.begin();
    out.push_back(place->second);
    ++place;
  }
}

std::vector<const Node*> NodeTable::all() const {
  std::vector<const Node*> out;
  out.reserve(by_name_.size());
  for (const auto& entry : by_name_) out.push_back(&at(entry.second));
  return out;
}

}  // namespace kiln::coordinator
