// The life of an init that holds programs: PID 1 of a namespace that lasts for many tasks.
//
// A held program's process is of one PID namespace for good, so its init cannot die with each task
// as others do. What that death gives (nothing of a task is left) is here looked for: whatever a
// task leaves behind costs the init its life, and with it go the held processes; the next init
// makes new ones.
#pragma once

#include <string>
#include <vector>

#include "worker/executor/task_run.h"
#include "worker/forkserver/held_program.h"

namespace kiln::worker {

// What an executor knows of a program that it is to hold.
struct HeldState {
  HeldProgram program;
  std::string problem;   // it is not held any more
  bool lasting = false;  // the problem, see HeldFact
  bool proven = false;
  int deaths = 0;  // of its process, in a row
};

struct HeldInitSetup {
  InitSetup common;
  std::vector<HeldState> states;
  std::filesystem::path probe_workspace;  // for its own runs; no other init's
};

// Starts the programs that have no problem, and proves those that are not proven; tells what became
// of all at `executor`; then runs task after task, and exits: with 0 unless it could not serve.
// Exits at once if none is held. Dies with the process behind the pidfd `parent`. REQUIRES: called
// in the child of fork_init.
[[noreturn]] void run_held_init(HeldInitSetup setup, int parent, Channel host, Channel executor);

}  // namespace kiln::worker
