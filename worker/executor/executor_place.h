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

// What executors of one template may share: enters mount and UTS namespaces, makes the /dev of
// tasks, and gives up for ever the bounding set's capabilities. REQUIRES: one thread; a child of a
// process in the nursery's namespaces.
Status enter_executor_place(const std::string& hostname, const ScratchLayout& layout,
                            const Identity& identity);

// What each executor has for itself, whoever made its place: a network, so that tasks that run at
// once cannot meet at a port or a socket's name. Gives up for ever the system calls that
// filter_system_calls closes, among them those that lead to another network. REQUIRES: as before.
Status shut_in(const Identity& identity);

}  // namespace kiln::worker
