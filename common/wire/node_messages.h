// Taking nodes out of the farm's service for a while, and back. Part of messages.h.
#pragma once

#include <cstdint>
#include <string>

namespace kiln::wire {

// From an agent to its coordinator: no new tasks for the node, or tasks again. Answered by
// NodeChanged once the node's worker has been told; FarmStatus says what became of it. Refused:
// not_found, permission_denied, invalid_argument, unavailable.
struct NodeChange {
  std::uint64_t request = 0;
  std::string action;  // drain, resume
  std::string node;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("request", self.request);
    visit("action", self.action);
    visit("node", self.node);
  }
  friend bool operator==(const NodeChange&, const NodeChange&) = default;
};

struct NodeChanged {
  std::uint64_t request = 0;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("request", self.request);
  }
  friend bool operator==(const NodeChanged&, const NodeChanged&) = default;
};

// From a coordinator to a worker: whether it takes new tasks, from any coordinator's agents. Its
// occupancy answers, to every coordinator.
struct NodeOrder {
  bool drain = false;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("drain", self.drain);
  }
  friend bool operator==(const NodeOrder&, const NodeOrder&) = default;
};

}  // namespace kiln::wire
