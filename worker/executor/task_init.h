// The life of a task's init: PID 1 of its namespace.
#pragma once

#include "worker/executor/task_run.h"

namespace kiln::worker {

// Waits until the host asks for a task, makes its root, runs the command, reports to the host,
// exits: with 0 after a report. Dies with the process behind the pidfd `parent`. REQUIRES: called
// in the child of fork_init.
[[noreturn]] void run_task_init(const InitSetup& setup, int parent, Channel host);

}  // namespace kiln::worker
