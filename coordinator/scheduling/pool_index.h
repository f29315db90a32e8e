// Which nodes may take tasks of a pool, by architecture and room, so that choosing one does not
// look at the others. `default` is not in it: it is on every node.
//
// A pool may have fewer executors on a node than the node has slots, and the worker refuses what is
// too much for it. So a pool has room of its own there: a lease for each executor first, then as
// many staging leases for each as a slot has.
#pragma once

#include <array>
#include <map>
#include <string>

#include "coordinator/scheduling/node_set.h"
#include "coordinator/scheduling/types.h"

namespace kiln::coordinator {

// What a node can take next: a task on a free slot, a staging task, or nothing.
enum class Room : std::uint8_t { slot, staging, none };

// A pool on a node that is selected for it.
struct NodePool {
  bool known = false;           // the node has said how the pool stands
  bool broken = false;          // and that it is broken there
  std::string reason;           // why
  bool warming = false;         // executors are starting there
  std::uint32_t warm = 0;       // executors that are ready or busy
  std::uint32_t executors = 0;  // that it has there at most; 0: as many as the node has slots
  std::uint32_t leased = 0;     // leases believed in use
  Room room = Room::none;       // as indexed
};

struct Node;

class PoolIndex {
 public:
  explicit PoolIndex(std::uint32_t staging_per_slot) : staging_per_slot_(staging_per_slot) {}

  // Brings the sets up to date with the node's room, state and architecture. Cheap when none of
  // them is another than before, unless `pools_too`: its pools may have changed.
  void update(Node& node, bool pools_too);
  // Of one pool of the node only: its leases have changed.
  void update(Node& node, const std::string& pool);
  // Takes a node out of one pool, or of all.
  void remove(const Node& node, const std::string& pool);
  void remove(Node& node);
  // The pool is no more.
  void drop(const std::string& pool);

  // Nodes with exactly this room.
  const NodeSet& with_room(const Lane& lane, Room room) const;
  // Of these, those with an executor that is ready or busy.
  const NodeSet& warm_with_room(const Lane& lane, Room room) const;
  // Nodes that take tasks of the pool, or may soon: neither lost nor draining, not known as broken.
  const NodeSet& hopeful(const Lane& lane) const;
  // Of these, those on which executors are starting.
  const NodeSet& warming(const Lane& lane) const;
  // Whatever their architecture and state.
  const NodeSet& selected(const std::string& pool) const;

 private:
  struct Sets {
    std::array<NodeSet, 2> by_room;  // slot, staging
    std::array<NodeSet, 2> warm_by_room;
    NodeSet hopeful;
    NodeSet warming;
  };

  Room room_of(const Node& node, const NodePool& pool) const;
  void place(Node& node, const std::string& name, NodePool& pool);

  std::uint32_t staging_per_slot_;
  std::map<Lane, Sets> sets_;
  std::map<std::string, NodeSet> selected_;
};

}  // namespace kiln::coordinator
