// The tables of `kiln top`: which columns a screen has room for, in which order the rows are.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "client/cli/styled_text.h"
#include "client/cli/top_farm.h"
#include "client/cli/top_view.h"

namespace kiln::client {

struct TopRows {
  StyledLine title;  // with a mark at the column that the rows are sorted by
  std::vector<StyledLine> rows;
};

// `order` counts the sort orders of the table, beginning anew behind the last. No line is wider
// than `width`.
TopRows top_rows(const TopFarm& farm, TopTable table, std::size_t order, std::size_t width);

// Cells of a bar of slots on a line so wide.
std::size_t meter_cells(std::size_t width);

// How the state of a node or a pool, or a task's phase, looks.
Look look_of(const std::string& state);

}  // namespace kiln::client
