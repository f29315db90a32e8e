// Whom a worker lets in. Part of messages.h.
#pragma once

#include <cstdint>
#include <vector>

#include "common/model/key.h"

namespace kiln::wire {

// From a coordinator that has keys to each of its workers: everybody whom the worker may let in, in
// the place of what it was told before. After WELCOME, and on every change.
struct Admissions {
  std::uint64_t coordinator_epoch = 0;
  std::vector<PublicKey> clients;  // to the task and the bulk socket; of administrators too
  std::vector<PublicKey> workers;  // to the bulk socket

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("coordinator_epoch", self.coordinator_epoch);
    visit("clients", self.clients);
    visit("workers", self.workers);
  }
  friend bool operator==(const Admissions&, const Admissions&) = default;
};

}  // namespace kiln::wire
