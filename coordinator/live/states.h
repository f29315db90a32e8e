// How nodes, and pools on them, stand: by the words that listings, metrics and the live page share.
#pragma once

#include <string_view>

#include "coordinator/pools/types.h"
#include "coordinator/scheduling/types.h"

namespace kiln::coordinator {

// ready, draining, lost.
std::string_view state_name(NodeState state);
// The state that counts for people: a lost node's pool is as lost as the node.
std::string_view state_of(const PoolNodeView& node);

}  // namespace kiln::coordinator
