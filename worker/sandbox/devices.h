// The minimal /dev that all tasks of an executor see.
#pragma once

#include <filesystem>

#include "common/base/result.h"
#include "worker/sandbox/identity.h"

namespace kiln::worker {

// Mounts a read-only /dev on `directory`: null, zero, full, random, urandom, the links fd, stdin,
// stdout and stderr, and shm, which leads to the task's private /tmp. REQUIRES: an executor's
// namespaces.
Status mount_devices(const std::filesystem::path& directory, const Identity& identity);

}  // namespace kiln::worker
