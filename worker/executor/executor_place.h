// What an executor, or a template on behalf of those it forks, gives itself before the first task.
#pragma once

#include <string>

#include "common/base/result.h"
#include "worker/sandbox/identity.h"
#include "worker/sandbox/root.h"

namespace kiln::worker {

// Makes this process, and all that it forks, a part of the worker that ends with the process that
// forked it: its own process group, by which `parent`, that process's pid, waits for what outlives
// it, and the parent-death signal. Errc::unavailable: the parent is gone already.
Status join_parent(int parent);

// Enters an executor's namespaces, makes the /dev of its tasks, and gives up for ever what no task
// may have: the bounding set's capabilities and the system calls that filter_system_calls closes.
// REQUIRES: one thread; a child of a process in the nursery's namespaces.
Status enter_executor_place(const std::string& hostname, const ScratchLayout& layout,
                            const Identity& identity);

}  // namespace kiln::worker
