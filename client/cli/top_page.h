// The page of `kiln top`: what is on it, decided without a terminal.
#pragma once

#include <vector>

#include "client/cli/screen_size.h"
#include "client/cli/styled_text.h"
#include "client/cli/top_farm.h"
#include "client/cli/top_view.h"

namespace kiln::client {

struct TopPage {
  // As many as the screen has at most, each narrower than it: a terminal wraps behind its last
  // column, some at once.
  std::vector<StyledLine> lines;
  TopView view;  // as it was, but scrolled no further than there is something to see
};

TopPage top_page(const TopFarm& farm, const TopView& view, const ScreenSize& screen);

// All of it, for whoever reads it as text.
std::vector<StyledLine> top_report(const TopFarm& farm, std::size_t width);

// Before the first answer has come.
TopPage top_page_before(const TopView& view, const ScreenSize& screen);

}  // namespace kiln::client
