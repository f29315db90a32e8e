#include "coordinator/live/states.h"

#include <array>

namespace kiln::coordinator {

std::string_view state_name(NodeState state) {
  static constexpr std::array<std::string_view, kNodeStates> kNames = {"ready", "draining", "lost"};
  return kNames.at(static_cast<std::size_t>(state));
}

std::string_view state_of(const PoolNodeView& node) {
  return node.state == NodeState::ready ? name(node.pool->state) : state_name(node.state);
}

}  // namespace kiln::coordinator
