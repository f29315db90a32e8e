// The namespaces of executors and tasks.
#pragma once

#include <string>

#include <sys/types.h>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "worker/sandbox/identity.h"

namespace kiln::worker {

// Moves this process into its own mount namespace (under a new user namespace where the worker is
// not root): nothing mounted later is seen outside. All executors come from this process. REQUIRES:
// one thread. May clear the parent-death signal.
Status enter_nursery_namespaces(const Identity& identity);

// Moves this process into its own mount and UTS namespaces: the machine is called `hostname`.
// REQUIRES: one thread; a child of a process in the nursery's namespaces.
Status enter_executor_namespaces(const Identity& identity, const std::string& hostname);

// Likewise into its own network namespace, whose only interface is lo, which is up.
Status enter_network_namespace(const Identity& identity);

struct ForkedInit {
  pid_t pid = 0;  // 0 in the child
  UniqueFd pidfd;
};

// Forks a child that is PID 1 of a new PID namespace, with its own mount and IPC namespaces.
// Killing it ends all processes of the namespace. REQUIRES: one thread.
Result<ForkedInit> fork_init(const Identity& identity);

}  // namespace kiln::worker
