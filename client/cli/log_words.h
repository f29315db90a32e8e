// The words of `kiln log`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/cli/command_line.h"
#include "common/base/result.h"

namespace kiln::client {

// Errc::invalid_argument names the word that is wrong, and the nearest right one.
Result<PeopleCommand> parse_log_words(const std::vector<std::string>& words);

// What `kiln log --help` prints.
std::string_view log_help();

}  // namespace kiln::client
