#include "coordinator/scheduling/pool_index.h"

#include "coordinator/scheduling/node_table.h"

namespace kiln::coordinator {
namespace {

const NodeSet& empty_set() {
  static const NodeSet kEmpty;
  return kEmpty;
}

void put(NodeSet& set, NodeNumber node, bool in) {
  if (in) {
    set.insert(node);
  } else {
    set.erase(node);
  }
}

}  // namespace

void PoolIndex::update(Node& node, bool pools_too) {
  const PoolPlace now{node.info->architecture, node.state, node.room, node.info->slots};
  if (!pools_too && node.pool_place == now) return;
  if (node.pool_place.architecture != now.architecture) remove(node);
  node.pool_place = now;
  for (auto& [name, pool] : node.pools) {
    selected_[name].insert(node.number);
    place(node, name, pool);
  }
}

void PoolIndex::update(Node& node, const std::string& pool) {
  const auto found = node.pools.find(pool);
  if (found != node.pools.end()) place(node, pool, found->second);
}

void PoolIndex::place(Node& node, const std::string& name, NodePool& pool) {
  auto& sets = sets_[{node.pool_place.architecture, name}];
  const bool is_hopeful = node.state == NodeState::ready && !pool.broken;
  put(sets.hopeful, node.number, is_hopeful);
  put(sets.warming, node.number, is_hopeful && pool.warming);
  pool.room = room_of(node, pool);
  for (const auto room : {Room::slot, Room::staging}) {
    const bool fits = pool.room == room;
    put(sets.by_room.at(static_cast<std::size_t>(room)), node.number, fits);
    put(sets.warm_by_room.at(static_cast<std::size_t>(room)), node.number, fits && pool.warm > 0);
  }
}

Room PoolIndex::room_of(const Node& node, const NodePool& pool) const {
  if (node.state != NodeState::ready || pool.broken || !pool.known) return Room::none;
  if (node.room == Room::none) return Room::none;
  const std::uint64_t executors = pool.executors > 0 ? pool.executors : node.info->slots;
  if (pool.leased < executors) return node.room;
  return pool.leased < executors * (1 + staging_per_slot_) ? Room::staging : Room::none;
}

void PoolIndex::remove(const Node& node, const std::string& pool) {
  const auto selected = selected_.find(pool);
  if (selected != selected_.end()) selected->second.erase(node.number);
  const auto found = sets_.find({node.pool_place.architecture, pool});
  if (found == sets_.end()) return;
  found->second.hopeful.erase(node.number);
  found->second.warming.erase(node.number);
  for (auto& set : found->second.by_room) set.erase(node.number);
  for (auto& set : found->second.warm_by_room) set.erase(node.number);
}

void PoolIndex::remove(Node& node) {
  for (const auto& entry : node.pools) remove(node, entry.first);
}

void PoolIndex::drop(const std::string& pool) {
  std::erase_if(sets_, [&](const auto& entry) { return entry.first.pool == pool; });
  selected_.erase(pool);
}

const NodeSet& PoolIndex::with_room(const Lane& lane, Room room) const {
  const auto found = sets_.find(lane);
  if (found == sets_.end() || room == Room::none) return empty_set();
  return found->second.by_room.at(static_cast<std::size_t>(room));
}

const NodeSet& PoolIndex::warm_with_room(const Lane& lane, Room room) const {
  const auto found = sets_.find(lane);
  if (found == sets_.end() || room == Room::none) return empty_set();
  return found->second.warm_by_room.at(static_cast<std::size_t>(room));
}

const NodeSet& PoolIndex::hopeful(const Lane& lane) const {
  const auto found = sets_.find(lane);
  return found == sets_.end() ? empty_set() : found->second.hopeful;
}

const NodeSet& PoolIndex::warming(const Lane& lane) const {
  const auto found = sets_.find(lane);
  return found == sets_.end() ? empty_set() : found->second.warming;
}

const NodeSet& PoolIndex::selected(const std::string& pool) const {
  const auto found = selected_.find(pool);
  return found == selected_.end() ? empty_set() : found->second;
}

}  // namespace kiln::coordinator
