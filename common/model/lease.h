// A lease: a coordinator's grant to run up to N tasks, one after the other, on one slot of a
// worker.
#pragma once

#include <cstdint>
#include <string>

namespace kiln {

struct LeaseId {
  std::uint64_t coordinator_epoch = 0;  // random per coordinator process
  std::uint64_t number = 0;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("coordinator_epoch", self.coordinator_epoch);
    visit("number", self.number);
  }
  friend auto operator<=>(const LeaseId&, const LeaseId&) = default;
};

// What a coordinator grants and a worker enforces. `token` is a keyed hash over all other fields
// under a secret that the coordinator shares with its workers in WELCOME, so that a worker can
// check a lease that it was never told of.
struct Lease {
  LeaseId id;
  std::string worker;  // its name
  std::uint64_t worker_epoch = 0;
  std::uint32_t tasks = 0;        // how many may run under it, in sequence
  std::uint32_t lifetime_ms = 0;  // from the worker's first sight of it
  bool staging = false;           // beyond the slots: inputs may travel, running waits for a slot
  std::string token;
  std::string pool = "default";  // whose executors run its tasks

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("id", self.id);
    visit("worker", self.worker);
    visit("worker_epoch", self.worker_epoch);
    visit("tasks", self.tasks);
    visit("lifetime_ms", self.lifetime_ms);
    visit("staging", self.staging);
    visit("token", self.token);
    visit("pool", self.pool);
  }
  friend bool operator==(const Lease&, const Lease&) = default;
};

}  // namespace kiln
