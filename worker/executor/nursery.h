// The life of the nursery process: the program kiln-nursery, which is linked statically. Every init
// is a fork of a fork of it, and what a fork costs grows with what its parent has mapped.
#pragma once

#include <string>

#include "worker/executor/channel.h"
#include "worker/sandbox/identity.h"
#include "worker/sandbox/root.h"

namespace kiln::worker {

// The host's first message.
struct NurserySetup {
  int parent = 0;  // the worker's pid
  std::filesystem::path scratch;
  Identity identity;
  // Mount a memory file system of this size on the scratch directory where that works; 0: none.
  std::uint64_t memory_bytes = 0;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("parent", self.parent);
    visit("scratch", self.scratch);
    visit("as_root", self.identity.as_root);
    visit("uid", self.identity.uid);
    visit("gid", self.identity.gid);
    visit("memory_bytes", self.memory_bytes);
  }
};

// Descriptors that the program is started with.
constexpr int kNurseryChannel = 3;
constexpr int kNurseryLock = 4;  // held by it and its descendants as long as they live

// Waits for its setup, enters its namespaces, probes whether tasks can have their roots, and sends
// `begun` with the scratch directory, or `broken`. Then forks executors as the host asks, says when
// one and all its processes are dead, and ends all of them when the host hangs up. `build` is the
// host's build_identity(): another one's messages cannot be read. REQUIRES: the process has one
// thread.
[[noreturn]] void run_nursery(const std::string& build);

}  // namespace kiln::worker
