// The words of `kiln pools`, `kiln pool …` and `kiln warm …`.
#pragma once

#include <string>
#include <vector>

#include "client/cli/command_line.h"
#include "common/base/result.h"

namespace kiln::client {

// `words` begin with pools, pool or warm. Errc::invalid_argument says what is wrong and how it is
// right.
Result<PeopleCommand> parse_pool_words(const std::vector<std::string>& words);

}  // namespace kiln::client
