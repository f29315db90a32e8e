// The namespaces of executors and tasks.
#pragma once

#include <string>

#include <sys/types.h>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "worker/sandbox/identity.h"

namespace kiln::worker {

// Moves this process into its own mount, IPC, UTS and network namespaces (under a new user
// namespace where the worker is not root): nothing mounted later is seen outside; the only network
// interface is lo, which is up; the machine is called `hostname`. REQUIRES: one thread. Clears the
// parent-death signal where a user namespace is made.
Status enter_executor_namespaces(const Identity& identity, const std::string& hostname);

struct ForkedInit {
  pid_t pid = 0;  // 0 in the child
  UniqueFd pidfd;
};

// Forks a child that is PID 1 of a new PID namespace, with its own mount namespace. Killing it ends
// all processes of the namespace. REQUIRES: one thread.
Result<ForkedInit> fork_init(const Identity& identity);

}  // namespace kiln::worker
