// The words of `kiln trace`.
#pragma once

#include <string>
#include <vector>

#include "client/cli/command_line.h"

namespace kiln::client {

// REQUIRES: `words` begins with "trace". Errc::invalid_argument names what is wrong.
Result<PeopleCommand> parse_trace_words(const std::vector<std::string>& words);

}  // namespace kiln::client
