// Runs a command to its end and captures what it says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"

namespace kiln {

struct CommandSpec {
  std::string program;            // path to execute; PATH is not searched
  std::vector<std::string> argv;  // with argv[0]; empty: {program}
  std::vector<std::pair<std::string, std::string>> environment;  // all that it sees
  std::string cwd;                                               // empty: the caller's
  milliseconds deadline{0};                                      // from start to exit; 0: none
  std::size_t output_limit_bytes = 64ULL << 20U;                 // stdout and stderr together
};

struct CommandOutput {
  int exit_code = 0;  // holds when signal is 0
  int signal = 0;     // that ended the command, ours (SIGKILL) included
  std::string stdout_text;
  std::string stderr_text;
  bool timed_out = false;       // killed at the deadline; the texts hold what came before
  std::uint64_t user_us = 0;    // CPU of the command and of the children that it waited for
  std::uint64_t system_us = 0;  // likewise

  bool succeeded() const { return exit_code == 0 && signal == 0 && !timed_out; }
};

// Runs the command in its own process group, with /dev/null as stdin, default signal handling and
// no inherited descriptor, and waits for it. The whole group is killed at the deadline, above the
// output limit (Errc::resource_exhausted), and when its first process has ended, so that nothing
// stays behind. Errors are for a command that could not be run; one that ran and failed is a value.
// Blocks; thread-safe.
Result<CommandOutput> run_command(const CommandSpec& spec);

}  // namespace kiln
