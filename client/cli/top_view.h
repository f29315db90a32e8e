// What of the farm whoever looks at `kiln top` wants to see, and how keys change it.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace kiln::client {

enum class TopTable { nodes, pools, builds, tasks };
inline constexpr std::size_t kTopTables = 4;

enum class TopKey {
  leave,
  suspend,
  nodes,
  pools,
  builds,
  tasks,
  sort,
  help,
  up,
  down,
  page_up,
  page_down,
  first,
  last
};

struct TopView {
  std::optional<TopTable> alone;                   // has the whole room
  std::array<std::size_t, kTopTables> order = {};  // of each table: which of its sort orders
  std::size_t first_row = 0;                       // that is shown, of the table in view
  std::size_t page_rows = 1;                       // so many of it were shown
  bool helps = false;                              // shows the keys instead
  bool leaves = false;
};

// The table that scrolls and is sorted: where all are shown it is the tasks'.
TopTable table_in_view(const TopView& view);

TopView step(TopView view, TopKey key);

// Takes the keys off the front of what the terminal sent. The start of one that is not there yet
// stays; bytes that are no key are dropped.
std::vector<TopKey> take_keys(std::string& bytes);

}  // namespace kiln::client
