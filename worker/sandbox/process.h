// What every process below the worker does first.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"

namespace kiln::worker {

// Closes every descriptor above 2 but `kept`.
void close_all_but(std::vector<int> kept);

// Asks the kernel for SIGKILL when the forking thread of `parent` dies. False: it is dead already.
bool die_with_parent(int parent);

// Makes every page of this process's memory its own and present, as far as the kernel does that on
// demand (Linux 5.14). After a fork each is shared until it is written, and to part with it then,
// one fault after the other, costs the time of whoever waits for this process.
void own_memory();

// "exited with 1", "was killed by signal 9 (Killed)".
std::string describe_status(int status);

}  // namespace kiln::worker
