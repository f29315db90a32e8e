// How the processes below the worker, and the commands that they start, take signals.
#pragma once

namespace kiln::worker {

// Everything as by default, but: those of a terminal's group and of broken pipes are ignored, and
// SIGCHLD is blocked, to be read from a descriptor.
void set_up_signals();

// Undoes that for a command. Allocates nothing.
void restore_signals();

}  // namespace kiln::worker
