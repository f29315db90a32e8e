#include "client/cli/top_page.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "client/cli/answer_text.h"
#include "client/cli/table.h"
#include "client/cli/top_head.h"
#include "client/cli/top_tables.h"

namespace kiln::client {
namespace {

// In the order in which they are shown; the last has what room the others leave.
constexpr std::array<TopTable, kTopTables> kTables = {TopTable::nodes, TopTable::pools,
                                                      TopTable::builds, TopTable::tasks};
constexpr std::array<std::string_view, kTopTables> kNames = {"node", "pool", "build", "task"};
// Which part of the lines each of them has at most, while there are tasks for the rest.
constexpr std::array<std::size_t, kTopTables> kShares = {3, 4, 5, 1};
// From so many lines on there are empty ones between the tables, and then the builds among them.
constexpr std::size_t kRoomy = 20;
constexpr std::size_t kRoomForBuilds = 32;

constexpr std::array<std::string_view, 13> kKeys = {
    "  n, p, b, t  nodes, pools, builds or tasks alone; again: all",
    "  s           sort by the next column, marked ↓",
    "  up, down    scroll a row; so do k and j",
    "  PgUp, PgDn  scroll a page",
    "  Home, End   the first row, the last; so do g and G",
    "  ?           these keys; again: back",
    "  q, Ctrl-C   leave",
    "",
    "Slots",
    "  #           busy",
    "  =           free, with an executor that is ready",
    "  .           free: its first task starts cold",
    "  >3          so many wait, for a slot or for files"};

std::size_t index_of(TopTable table) {
  return static_cast<std::size_t>(table);
}

// What the terminal shows of one table, and which rows are left out before and after.
struct Slice {
  std::size_t first = 0;
  std::size_t rows = 0;
};

// `room` is for rows; where not all fit, one line says how many more there are.
Slice slice_of(std::size_t all, std::size_t first, std::size_t room) {
  if (all <= room) return {0, all};
  const std::size_t rows = room - std::min<std::size_t>(room, 1);
  return {std::min(first, all - rows), rows};
}

std::string rest_text(const Slice& slice, std::size_t all, std::string_view name) {
  const std::size_t after = all - slice.first - slice.rows;
  if (slice.first == 0) return "… and " + count(after, "more " + std::string(name));
  return "… " + std::to_string(slice.first) + " before, " + std::to_string(after) + " more";
}

void add_table(std::vector<StyledLine>& lines, const TopRows& table, const Slice& slice,
               std::string_view name, std::size_t width) {
  lines.push_back(table.title);
  const auto begin = table.rows.begin() + static_cast<std::ptrdiff_t>(slice.first);
  lines.insert(lines.end(), begin, begin + static_cast<std::ptrdiff_t>(slice.rows));
  if (slice.rows < table.rows.size()) {
    lines.push_back({{fit(rest_text(slice, table.rows.size(), name), width), Look::quiet}});
  } else if (table.rows.empty()) {
    lines.push_back({{fit("no " + std::string(name) + "s", width), Look::quiet}});
  }
}

struct Shown {
  TopTable table = TopTable::tasks;
  TopRows rows;
  std::size_t room = 0;  // lines for its rows
};

std::vector<Shown> tables_of(const TopFarm& farm, const TopView& view, const ScreenSize& screen,
                             std::size_t width) {
  std::vector<Shown> tables;
  for (const TopTable table : kTables) {
    if (table == TopTable::builds && screen.lines < kRoomForBuilds) continue;
    tables.push_back({table, top_rows(farm, table, view.order.at(index_of(table)), width), 0});
  }
  return tables;
}

// Each table before the last has its share of the lines, more where the others leave some.
void share_out(std::vector<Shown>& tables, std::size_t lines) {
  const auto wanted = [](const Shown& one) {
    return std::max<std::size_t>(one.rows.rows.size(), 1);
  };
  Shown& last = tables.back();
  std::size_t taken = wanted(last);
  for (Shown& one : tables) {
    if (&one == &last) continue;
    const std::size_t share = lines / kShares.at(index_of(one.table));
    one.room = std::min(wanted(one), std::max<std::size_t>(share, 2));
    taken += one.room;
  }
  std::size_t left = lines - std::min(lines, taken);
  last.room = lines;
  for (Shown& one : tables) {
    if (&one == &last) continue;
    const std::size_t more = std::min(left, wanted(one) - one.room);
    one.room += more;
    left -= more;
    last.room -= std::min(last.room, one.room);
  }
}

void add_all(std::vector<StyledLine>& lines, const TopFarm& farm, TopView& view,
             const ScreenSize& screen, std::size_t width) {
  auto tables = tables_of(farm, view, screen, width);
  const bool roomy = screen.lines >= kRoomy;
  const std::size_t taken = lines.size() + tables.size() * (roomy ? 2 : 1) + 1;
  share_out(tables, screen.lines - std::min(screen.lines, taken));
  for (const Shown& one : tables) {
    const bool scrolls = one.table == table_in_view(view);
    const Slice slice = slice_of(one.rows.rows.size(), scrolls ? view.first_row : 0, one.room);
    if (scrolls) {
      view.first_row = slice.first;
      view.page_rows = slice.rows;
    }
    if (roomy) lines.emplace_back();
    add_table(lines, one.rows, slice, kNames.at(index_of(one.table)), width);
  }
}

void add_one(std::vector<StyledLine>& lines, const TopFarm& farm, TopView& view,
             const ScreenSize& screen, std::size_t width) {
  const std::size_t i = index_of(table_in_view(view));
  const TopRows table = top_rows(farm, table_in_view(view), view.order.at(i), width);
  if (screen.lines >= kRoomy) lines.emplace_back();
  const std::size_t taken = lines.size() + 2;
  const Slice slice =
      slice_of(table.rows.size(), view.first_row, screen.lines - std::min(screen.lines, taken));
  view.first_row = slice.first;
  view.page_rows = slice.rows;
  add_table(lines, table, slice, kNames.at(i), width);
}

void add_keys(std::vector<StyledLine>& lines, std::size_t width) {
  lines.emplace_back();
  lines.push_back({{"Keys", Look::strong}});
  for (const std::string_view line : kKeys) lines.push_back({{fit(line, width)}});
}

StyledLine bottom_line(const TopView& view, std::size_t width) {
  std::string text = "n nodes  p pools  b builds  t tasks  s sort  ? keys  q leave";
  if (display_width(text) > width) text = "n p b t tables  s sort  ? keys  q leave";
  if (view.alone) {
    const std::string key(kNames.at(index_of(*view.alone)).substr(0, 1));
    text = key + " all  s sort  j k scroll  ? keys  q leave";
  }
  if (view.helps) text = "? back  q leave";
  return {{fit(text, width), Look::quiet}};
}

// The bottom line is the screen's last, whatever else there is room for.
void finish(TopPage& page, const ScreenSize& screen, std::size_t width) {
  const std::size_t room = screen.lines - std::min<std::size_t>(screen.lines, 1);
  page.lines.resize(room);
  if (screen.lines > 0) page.lines.push_back(bottom_line(page.view, width));
}

std::size_t width_of(const ScreenSize& screen) {
  return screen.columns - std::min<std::size_t>(screen.columns, 1);
}

}  // namespace

TopPage top_page(const TopFarm& farm, const TopView& view, const ScreenSize& screen) {
  const std::size_t width = width_of(screen);
  TopPage page{top_head(farm, width), view};
  if (view.helps) {
    add_keys(page.lines, width);
  } else if (view.alone) {
    add_one(page.lines, farm, page.view, screen, width);
  } else {
    add_all(page.lines, farm, page.view, screen, width);
  }
  finish(page, screen, width);
  return page;
}

std::vector<StyledLine> top_report(const TopFarm& farm, std::size_t width) {
  std::vector<StyledLine> lines = top_head(farm, width);
  for (const TopTable table : kTables) {
    const TopRows rows = top_rows(farm, table, 0, width);
    lines.emplace_back();
    add_table(lines, rows, {0, rows.rows.size()}, kNames.at(index_of(table)), width);
  }
  return lines;
}

TopPage top_page_before(const TopView& view, const ScreenSize& screen) {
  const std::size_t width = width_of(screen);
  TopPage page{{{{fit("asking the agent …", width), Look::quiet}}}, view};
  if (view.helps) add_keys(page.lines, width);
  finish(page, screen, width);
  return page;
}

}  // namespace kiln::client
