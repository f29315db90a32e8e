// Kiln's commands for people.
#pragma once

#include <string>
#include <vector>

#include "client/launcher/call.h"

namespace kiln::client {

// Runs the command `words` (argv without its first) and returns the exit code: 0 all well, 1 the
// command failed or found something wrong, 2 the words are wrong, 130 Ctrl-C
// ended the waiting.
int run_command_line(const std::vector<std::string>& words, const Caller& caller);

}  // namespace kiln::client
