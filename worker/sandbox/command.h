// Starting the task's own command inside its root.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "common/base/result.h"
#include "common/base/time.h"
#include "worker/sandbox/identity.h"

namespace kiln::worker {

// Of a task's user; keeps a fork bomb from taking all pids of the machine before its time limit
// ends it.
constexpr std::uint64_t kMostProcesses = 4096;

struct CommandSpec {
  std::string program;                   // absolute
  std::vector<std::string> argv;         // not empty
  std::vector<std::string> environment;  // NAME=value
  std::string cwd;
  mode_t umask = 022;
  Identity identity;
  std::uint64_t file_size_limit = 0;  // bytes; 0: none
  int root = -1;                      // a directory that becomes the command's root; -1: ours is
  int standard_output = -1;           // descriptors that become 1 and 2
  int standard_error = -1;
};

struct StartedCommand {
  pid_t pid = -1;
  TimePoint executed;  // just before the program took over
};

// Forks and executes; returns once the program runs. The command has its own session, /dev/null as
// stdin, no other descriptor, default signal handling, the task's ids, no capability and no way to
// gain one. Errors: the directory cannot be entered, the program cannot be executed. REQUIRES: one
// thread; called by an init.
Result<StartedCommand> start_command(const CommandSpec& spec);

// Makes this process the task's user, with no capability and no way to gain one. False: errno says
// why not. Allocates nothing.
bool drop_privileges(const Identity& identity);

}  // namespace kiln::worker
