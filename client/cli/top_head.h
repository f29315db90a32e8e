// The head of `kiln top`'s page: the farm as a whole.
#pragma once

#include <cstddef>
#include <vector>

#include "client/cli/styled_text.h"
#include "client/cli/top_farm.h"

namespace kiln::client {

// Two lines where there is room, more on a narrow screen, and what is wrong, if anything is.
std::vector<StyledLine> top_head(const TopFarm& farm, std::size_t width);

}  // namespace kiln::client
