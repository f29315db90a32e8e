// What every process below the worker does first.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"

namespace kiln::worker {

// Closes every descriptor above 2 but `kept`.
void close_all_but(std::vector<int> kept);

// Ignores the signals of a terminal's group and of broken pipes, blocks SIGCHLD, takes everything
// else as by default.
void set_up_signals();

// Asks the kernel for SIGKILL when the forking thread of `parent` dies. False: it is dead already.
bool die_with_parent(int parent);

// "exited with 1", "was killed by signal 9 (Killed)".
std::string describe_status(int status);

}  // namespace kiln::worker
