// Exclusive flock with a deadline.
#pragma once

#include <string>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/base/unique_fd.h"

namespace kiln::client {

// Opens `name` in the directory `directory_fd` (AT_FDCWD: a path) for locking; makes it with
// exactly `mode` when it is absent. Follows no symbolic link, waits for no FIFO; anything but a
// regular file is Errc::permission_denied.
Result<UniqueFd> open_lock_file(int directory_fd, const std::string& name, unsigned mode);

// Locks the open file `fd`, waiting in the kernel. Errc::timed_out at `deadline`. Waiting uses the
// signal SIGRTMAX, directed at this thread alone, with a handler that does nothing.
Status lock_until(int fd, TimePoint deadline);

// Locks it if nobody else has it; says whether.
bool try_lock(int fd);

}  // namespace kiln::client
