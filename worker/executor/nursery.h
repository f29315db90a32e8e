// The life of the nursery process.
#pragma once

#include "worker/executor/channel.h"
#include "worker/sandbox/identity.h"
#include "worker/sandbox/root.h"

namespace kiln::worker {

struct NurserySetup {
  int parent = 0;  // the worker's pid
  ScratchLayout layout;
  Identity identity;
  // Mount a memory file system of this size on the scratch directory where that works; 0: none.
  std::uint64_t memory_bytes = 0;
  int lock = -1;  // held by the nursery and its descendants as long as they live
};

// Enters its namespaces, probes whether tasks can have their roots, and sends `begun` with the
// scratch directory, or `broken`. Then forks executors as the host asks, says when one and all its
// processes are dead, and ends all of them when the host hangs up. REQUIRES: called in a child of
// the worker, forked by its only thread.
[[noreturn]] void run_nursery(const NurserySetup& setup, Channel host);

}  // namespace kiln::worker
