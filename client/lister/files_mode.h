// The command line that asks a compiler which files a compile reads.
#pragma once

#include <string>
#include <vector>

namespace kiln::client {

// From `expanded` (no @files, one source): the same call, but it writes one make rule for
// kRuleTarget to stdout and its search path to stderr, and nothing else anywhere.
std::vector<std::string> files_mode_argv(const std::vector<std::string>& expanded);

}  // namespace kiln::client
