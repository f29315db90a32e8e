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
  const PoolPlace place{node.info->architecture, node.state, node.room};
  if (!pools_too && node.pool_place == place) return;
  if (node.pool_place.architecture != place.architecture) remove(node);
  node.pool_place = place;
  for (const auto& [name, pool] : node.pools) {
    selected_[name].insert(node.number);
    auto& sets = sets_[{place.architecture, name}];
    const bool hopeful = node.state == NodeState::ready && !pool.broken;
    put(sets.hopeful, node.number, hopeful);
    for (const auto room : {Room::slot, Room::staging}) {
      const bool fits = hopeful && pool.known && node.room == room;
      put(sets.by_room.at(static_cast<std::size_t>(room)), node.number, fits);
      put(sets.warm_by_room.at(static_cast<std::size_t>(room)), node.number, fits && pool.warm > 0);
    }
  }
}

void PoolIndex::remove(const Node& node, const std::string& pool) {
  const auto selected = selected_.find(pool);
  if (selected != selected_.end()) selected->second.erase(node.number);
  const auto found = sets_.find({node.pool_place.architecture, pool});
  if (found == sets_.end()) return;
  found->second.hopeful.erase(node.number);
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

const NodeSet& PoolIndex::selected(const std::string& pool) const {
  const auto found = selected_.find(pool);
  return found == selected_.end() ? empty_set() : found->second;
}

}  // namespace kiln::coordinator
