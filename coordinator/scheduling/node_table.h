// The nodes and the indexes that make choosing one independent of how many there are: sets of the
// nodes with room by architecture, by pool and by staged toolchain, and a ring for affinity keys.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "coordinator/scheduling/node_set.h"
#include "coordinator/scheduling/pool_index.h"
#include "coordinator/scheduling/types.h"

namespace kiln::coordinator {

// What the pool index was last told of a node.
struct PoolPlace {
  std::string architecture;
  NodeState state = NodeState::lost;
  Room room = Room::none;
  std::uint32_t slots = 0;
  friend bool operator==(const PoolPlace&, const PoolPlace&) = default;
};

struct Node {
  NodeNumber number = 0;
  // Never null. Replaced as a whole, never changed, so that listings can share them.
  std::shared_ptr<const NodeInfo> info = std::make_shared<const NodeInfo>();
  std::shared_ptr<const Occupancy> occupancy = std::make_shared<const Occupancy>();
  NodeState state = NodeState::ready;
  TimePoint heard;
  TimePoint lost_at;
  std::optional<TimePoint> watched;       // its entry among the scheduler's deadlines
  std::uint32_t leased = 0;               // leases believed in use, staging ones included
  std::vector<std::uint64_t> retired;     // earlier epochs of this name, the last few
  Room room = Room::none;                 // as indexed
  std::uint64_t settled = 0;              // occupied lately at the most, where the node is shared
  std::uint64_t peak = 0;                 // likewise in the present window
  TimePoint settles;                      // when that window ends
  std::map<std::string, NodePool> pools;  // that it is selected for
  PoolPlace pool_place;
  TimePoint shared_until;  // other coordinators lend it too, as far as is known

  // Running and queued tasks, by the newest report.
  std::uint64_t occupied() const { return std::uint64_t{occupancy->running} + occupancy->queued; }

  // Slots and queue places in use: what the worker says or what was leased, whichever is more. The
  // two overlap, as a lease's task is in the occupancy; neither alone is enough, as occupancy lags
  // behind leases and does not know them, and other coordinators' tasks have no lease here.
  std::uint64_t used() const;
};

class NodeTable {
 public:
  explicit NodeTable(std::uint32_t staging_per_slot)
      : staging_per_slot_(staging_per_slot), pools_(staging_per_slot) {}

  Node* find(const std::string& name);
  const Node* find(const std::string& name) const;
  bool contains(NodeNumber number) const { return nodes_.count(number) != 0; }
  Node& at(NodeNumber number);
  const Node& at(NodeNumber number) const;
  std::size_t size() const { return by_name_.size(); }

  // REQUIRES: no node of that name.
  Node& add(const NodeInfo& info);
  void remove(NodeNumber number);
  // Changes a node and brings the indexes up to date.
  template <typename Change>
  void change(Node& node, Change&& apply) {
    unindex(node);
    apply(node);
    index(node);
  }
  // A lease of the pool began (+1) or is over (-1). Likewise, but cheaper.
  void add_leased(Node& node, const std::string& pool, int change);

  // Changes the pools of a node likewise.
  template <typename Change>
  void change_pools(Node& node, Change&& apply) {
    apply(node.pools);
    pools_.update(node, true);
  }
  void deselect(Node& node, const std::string& pool);
  void drop_pool(const std::string& pool);

  // Nodes that serve the lane and have exactly this room.
  const NodeSet& with_room(const Lane& lane, Room room) const;
  const NodeSet& staged_with_room(const Digest& toolchain, Room room) const;
  // Living nodes with the toolchain, whatever their room.
  const NodeSet& staged(const Digest& toolchain) const;
  // Nodes that are neither lost nor draining, and where the lane's pool is not broken.
  std::size_t usable(const Lane& lane) const;
  bool is_usable(const Lane& lane, const Node& node) const;
  const PoolIndex& pools() const { return pools_; }
  std::size_t in_state(NodeState state) const {
    return by_state_.at(static_cast<std::size_t>(state));
  }
  // Up to `limit` living nodes that follow the hash of `key` on the ring of names.
  void near(const std::string& key, std::size_t limit, std::vector<NodeNumber>& out) const;
  // Free slots of all usable nodes, and all their slots.
  std::uint64_t free_slots() const { return free_slots_; }
  std::uint64_t total_slots() const { return total_slots_; }

  // By name.
  std::vector<const Node*> all() const;

 private:
  struct RoomSets {
    std::array<NodeSet, 2> by_room;  // slot, staging
    NodeSet usable;
  };

  Room room_of(const Node& node) const;
  std::uint64_t free_slots_of(const Node& node) const;
  void index(Node& node);
  void unindex(Node& node);
  void index_room(Node& node);
  void unindex_room(Node& node);

  std::uint32_t staging_per_slot_;
  NodeNumber next_ = 1;
  std::map<std::string, NodeNumber> by_name_;
  std::unordered_map<NodeNumber, Node> nodes_;
  std::map<std::string, RoomSets> by_architecture_;
  std::map<Digest, RoomSets> by_toolchain_;
  PoolIndex pools_;
  std::map<std::uint64_t, NodeNumber> ring_;
  std::array<std::size_t, kNodeStates> by_state_{};
  std::uint64_t free_slots_ = 0;
  std::uint64_t total_slots_ = 0;
};

}  // namespace kiln::coordinator
