// Which system calls a task may make.
//
// A task has no capabilities and is alone in its namespaces, so the filter protects the kernel, not
// the worker: it closes what no compiler needs and where the kernel's bugs have been (namespaces of
// users' own, keys, BPF, io_uring, odd sockets). An executor takes it on before it forks inits, as
// installing one takes long (0.3 ms were measured in a virtual machine). So what inits themselves
// do stays open: mounts, and PID, mount and IPC namespaces. All of that needs a capability, which a
// task has not and without a user namespace cannot get.
#pragma once

#include "common/base/result.h"

namespace kiln::worker {

// Whether this kernel, and the container if any, let a process filter its own calls.
bool can_filter_system_calls();

// For this process and all that it forks and executes, for ever. It gains no privileges by
// executing any more. Does nothing where can_filter_system_calls() is false. Takes a few
// milliseconds. REQUIRES: one thread; an executor that is in its namespaces.
Status filter_system_calls();

}  // namespace kiln::worker
