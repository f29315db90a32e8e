// Can this machine give tasks a hermetic root?
#pragma once

#include <filesystem>

#include "common/base/result.h"
#include "worker/sandbox/identity.h"

namespace kiln::worker {

// Makes namespaces and a root in a child process, as for a task, and throws them away. The error
// says which step failed and which setting of the machine or container gives it. `scratch` must
// exist. REQUIRES: the process has one thread.
Status probe_sandbox(const std::filesystem::path& scratch, const Identity& identity);

}  // namespace kiln::worker
