// What `kiln pools`, `kiln pool …` and `kiln warm` say when asked for --help.
#pragma once

#include <string>

namespace kiln::client {

// Of `command` (pools, pool or warm) and, of pool, its action or "" for all of them. At most 80
// columns. Empty: there is no such command.
std::string pool_help(const std::string& command, const std::string& action);

}  // namespace kiln::client
