// Can this machine give tasks a hermetic root?
#pragma once

#include <filesystem>

#include "common/base/result.h"
#include "worker/sandbox/identity.h"

namespace kiln::worker {

// Makes an executor's namespaces and a task's root in child processes and throws them away. The
// error says which step failed and which setting of the machine or container gives it. `scratch`
// must exist. REQUIRES: the process has one thread, and is in the nursery's namespaces.
Status probe_sandbox(const std::filesystem::path& scratch, const Identity& identity);

}  // namespace kiln::worker
