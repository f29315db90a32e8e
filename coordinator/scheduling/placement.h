// Which node gets the next lease: named constraints that a node must meet, then named scores,
// weighted. At most a fixed number of candidates is looked at, however large the farm.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "coordinator/scheduling/node_table.h"
#include "coordinator/scheduling/random.h"
#include "coordinator/scheduling/types.h"

namespace kiln::coordinator {

// What placement knows of one decision.
struct PlacementQuestion {
  const LeasesWanted& wanted;
  Room room = Room::slot;
  const std::vector<NodeNumber>& near_key;  // the ring's neighbours of the affinity key
};

struct Constraint {
  std::string_view name;
  bool (*holds)(const PlacementQuestion&, const Node&);
};
const std::vector<Constraint>& constraints();

// `value` is from 0 (cold) to 1 (hot). The weights say what is worth what: a ready executor of the
// pool outweighs everything (making one may take as long as its initializer), then a staged
// toolchain (staging moves tens of megabytes), then speed, idleness and the node's inputs are
// balanced, so that neither one key nor one fast machine fills a node while its neighbours idle: a
// core of half the speed counts as much as a third of the slots, and so much fuller the faster node
// is before the slower one is taken.
struct Score {
  std::string_view name;
  double weight;
  double (*value)(const PlacementQuestion&, const Node&);
};
const std::vector<Score>& scores();

// So many of the nodes with room are candidates, at random; where there are no more, all are.
inline constexpr std::size_t kAnyCandidates = 8;

// The best candidate with this room, or nullopt when none of those looked at will do.
std::optional<NodeNumber> choose_node(const NodeTable& nodes, const LeasesWanted& wanted, Room room,
                                      Random& random);

}  // namespace kiln::coordinator
