// Taking nodes out of the farm's service for a while, and back; what processes of the farm write
// into their logs. Part of messages.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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

// From an agent to its coordinator: how the log of a node's worker stands, or of the coordinator
// itself, and first what to change. The coordinator passes it on to the worker under a number of
// its own. Answered by LogState. Refused: not_found, permission_denied, invalid_argument,
// unavailable, timed_out.
struct LogChange {
  std::uint64_t request = 0;
  std::string node;            // empty: whoever gets it
  std::string levels;          // "info,pools=debug"; empty: changes nothing
  std::uint64_t lasts_ms = 0;  // 0: until the process ends

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("request", self.request);
    visit("node", self.node);
    visit("levels", self.levels);
    visit("lasts_ms", self.lasts_ms);
  }
  friend bool operator==(const LogChange&, const LogChange&) = default;
};

struct LogPart {
  std::string name;
  std::string level;          // debug, info, warning, error, off
  std::string then;           // its level when `left_ms` are over
  std::uint64_t left_ms = 0;  // 0: it stays

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("name", self.name);
    visit("level", self.level);
    visit("then", self.then);
    visit("left_ms", self.left_ms);
  }
  friend bool operator==(const LogPart&, const LogPart&) = default;
};
struct LogState {
  std::uint64_t request = 0;
  std::vector<LogPart> parts;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("request", self.request);
    visit("parts", self.parts);
  }
  friend bool operator==(const LogState&, const LogState&) = default;
};

}  // namespace kiln::wire
