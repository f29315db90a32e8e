// The words of `kiln top`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/cli/command_line.h"
#include "common/base/result.h"

namespace kiln::client {

// Errc::invalid_argument names the word that is wrong, and the nearest right one.
Result<PeopleCommand> parse_top_words(const std::vector<std::string>& words);

std::string_view top_help();

}  // namespace kiln::client
