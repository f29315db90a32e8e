// The words of `kiln drain` and `kiln resume`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/cli/command_line.h"
#include "common/base/result.h"

namespace kiln::client {

// Errc::invalid_argument names the word that is wrong, and the nearest right one.
Result<PeopleCommand> parse_node_words(const std::vector<std::string>& words);

// What `kiln drain --help` and `kiln resume --help` print; empty: of other commands.
std::string_view node_help(std::string_view command);

}  // namespace kiln::client
