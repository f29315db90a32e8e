// The life of the nursery process.
#pragma once

#include "worker/executor/channel.h"
#include "worker/sandbox/identity.h"
#include "worker/sandbox/root.h"

namespace kiln::worker {

// Forks executors as the host asks, says when one and all its processes are dead, and ends all of
// them when the host hangs up. `lock` is held by it and its descendants as long as they live.
// REQUIRES: called in a child of the worker, whose pid is `parent`, forked by its only thread.
[[noreturn]] void run_nursery(int parent, const ScratchLayout& layout, const Identity& identity,
                              Channel host, int lock);

}  // namespace kiln::worker
