// The life of a task's init: PID 1 of its namespace.
#pragma once

#include "worker/executor/channel.h"
#include "worker/sandbox/identity.h"
#include "worker/sandbox/root.h"

namespace kiln::worker {

// Makes the root, runs the command, reports to `executor`, exits. REQUIRES: called in the child of
// fork_init.
[[noreturn]] void run_task_init(const RunMessage& run, const ScratchLayout& layout,
                                const Identity& identity, Channel executor);

}  // namespace kiln::worker
