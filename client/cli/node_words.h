// The words of `kiln drain` and `kiln resume`.
#pragma once

#include <string>
#include <vector>

#include "client/cli/command_line.h"
#include "common/base/result.h"

namespace kiln::client {

// Errc::invalid_argument names the word that is wrong, and the nearest right one.
Result<PeopleCommand> parse_node_words(const std::vector<std::string>& words);

}  // namespace kiln::client
