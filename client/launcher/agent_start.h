// Starting the agent from whatever process first needs it, cleanly.
#pragma once

#include <string>

#include "client/paths/environment.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace kiln::client {

// Starts `program` as the agent for `socket`, as client/cli/README.md describes, and waits until it
// listens. REQUIRES: the caller holds the lock of start_lock_path(socket).
// Errc::unavailable, in the agent's own words, when it ends before it listens; timed_out at
// `deadline`, when it is killed.
Status start_agent(const std::string& program, const std::string& socket, const Environment& caller,
                   TimePoint deadline);

}  // namespace kiln::client
