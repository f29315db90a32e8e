#include "client/cli/top_tables.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "client/cli/table.h"
#include "client/cli/units.h"

namespace kiln::client {
namespace {

template <typename Row>
struct TopColumn {
  std::string title;
  Align align = Align::left;
  bool shrinks = false;
  std::size_t least = 0;  // as Column's
  std::size_t room = 0;   // the least width of lines that have room for it
  StyledLine (*cell)(const Row&, std::size_t width) = nullptr;
  // Whether a row comes before another where this is what the rows are sorted by, if they ever are.
  bool (*before)(const Row&, const Row&) = nullptr;
};

template <typename Row>
using TopColumns = std::vector<TopColumn<Row>>;

template <typename Row, auto Member>
bool by_name(const Row& one, const Row& other) {
  return one.*Member < other.*Member;
}

template <typename Row, auto Member>
bool most_first(const Row& one, const Row& other) {
  return one.*Member > other.*Member;
}

template <typename Row, auto Member>
StyledLine text_cell(const Row& row, std::size_t /*width*/) {
  return {{row.*Member}};
}

template <typename Row, auto Member>
StyledLine state_cell(const Row& row, std::size_t /*width*/) {
  return {{row.*Member, look_of(row.*Member)}};
}

template <typename Row, auto Member>
StyledLine number_cell(const Row& row, std::size_t /*width*/) {
  return {{std::to_string(row.*Member)}};
}

template <typename Row, auto Member>
StyledLine alarm_cell(const Row& row, std::size_t /*width*/) {
  return {{std::to_string(row.*Member), row.*Member > 0 ? Look::bad : Look::plain}};
}

std::string decimal(double value, int digits) {
  std::array<char, 48> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*f", digits, value);
  return buffer.data();
}

bool is_lost(const TopNode& node) {
  return node.state == "lost";
}

StyledLine meter_cell(const TopNode& node, std::size_t width) {
  return slot_meter(node.use, meter_cells(width));
}

StyledLine busy_cell(const TopNode& node, std::size_t /*width*/) {
  if (is_lost(node)) return {{"-"}};
  return {{std::to_string(node.use.busy) + "/" + std::to_string(node.use.slots)}};
}

StyledLine load_cell(const TopNode& node, std::size_t /*width*/) {
  return {{is_lost(node) ? "-" : decimal(node.load, node.load < 100 ? 2 : 0)}};
}

StyledLine speed_cell(const TopNode& node, std::size_t /*width*/) {
  return {{is_lost(node) || node.speed <= 0 ? "-" : decimal(node.speed, 2)}};
}

StyledLine memory_cell(const TopNode& node, std::size_t /*width*/) {
  return {{is_lost(node) ? "-" : show_bytes(node.memory_bytes)}};
}

StyledLine rate_cell(const TopNode& node, std::size_t /*width*/) {
  return {{node.rate && !is_lost(node) ? decimal(*node.rate, 1) : "-"}};
}

bool busiest_first(const TopNode& one, const TopNode& other) {
  return one.use.busy > other.use.busy;
}

TopColumns<TopNode> node_columns(std::size_t width) {
  using N = TopNode;
  return {
      {"NODE", Align::left, true, 0, 0, text_cell<N, &N::name>, by_name<N, &N::name>},
      {"SLOTS", Align::left, false, meter_cells(width) + 4, 0, meter_cell, nullptr},
      {"BUSY", Align::right, false, 5, 0, busy_cell, busiest_first},
      {"STATE", Align::left, false, 8, 0, state_cell<N, &N::state>, by_name<N, &N::state>},
      {"LOAD", Align::right, false, 5, 56, load_cell, most_first<N, &N::load>},
      {"SPEED", Align::right, false, 5, 90, speed_cell, most_first<N, &N::speed>},
      {"FREE MEM", Align::right, false, 0, 70, memory_cell, by_name<N, &N::memory_bytes>},
      {"DONE/S", Align::right, false, 7, 70, rate_cell, most_first<N, &N::rate>},
      {"DONE", Align::right, false, 8, 110, number_cell<N, &N::completed>, nullptr},
      {"FAILED", Align::right, false, 7, 110, alarm_cell<N, &N::failed>, most_first<N, &N::failed>},
      {"ADDRESS", Align::left, true, 0, 130, text_cell<N, &N::address>, nullptr}};
}

StyledLine executors_cell(const TopPool& pool, std::size_t /*width*/) {
  return {{std::to_string(pool.ready), pool.ready > 0 ? Look::good : Look::plain}};
}

StyledLine warm_cell(const TopPool& pool, std::size_t /*width*/) {
  const std::uint64_t all = pool.warm_hits + pool.warm_misses;
  if (all == 0) return {{"-"}};
  const double share = 100 * static_cast<double>(pool.warm_hits) / static_cast<double>(all);
  return {{std::to_string(static_cast<int>(share)) + " %"}};
}

TopColumns<TopPool> pool_columns() {
  using P = TopPool;
  return {
      {"POOL", Align::left, true, 0, 0, text_cell<P, &P::name>, by_name<P, &P::name>},
      {"STATE", Align::left, false, 8, 0, state_cell<P, &P::state>, by_name<P, &P::state>},
      {"READY", Align::right, false, 0, 0, executors_cell, most_first<P, &P::ready>},
      {"BUSY", Align::right, false, 5, 0, number_cell<P, &P::busy>, most_first<P, &P::busy>},
      {"BROKEN", Align::right, false, 7, 56, alarm_cell<P, &P::broken>, most_first<P, &P::broken>},
      {"WARM", Align::right, false, 5, 56, warm_cell, nullptr},
      {"WAITING", Align::right, false, 8, 56, alarm_cell<P, &P::waiting>,
       most_first<P, &P::waiting>},
      {"CONTEXT", Align::left, false, 10, 70, text_cell<P, &P::context>, nullptr},
      {"NODES", Align::right, false, 0, 100, number_cell<P, &P::nodes>, nullptr},
      {"TASKS", Align::right, false, 8, 100, number_cell<P, &P::tasks>, most_first<P, &P::tasks>}};
}

StyledLine oldest_cell(const TopBuild& build, std::size_t /*width*/) {
  return {{show_milliseconds(build.oldest_ms)}};
}

TopColumns<TopBuild> build_columns() {
  using B = TopBuild;
  return {{"BUILD", Align::left, true, 0, 0, text_cell<B, &B::name>, by_name<B, &B::name>},
          {"RUNNING", Align::right, false, 8, 0, number_cell<B, &B::running>,
           most_first<B, &B::running>},
          {"WAITING", Align::right, false, 8, 0, number_cell<B, &B::waiting>,
           most_first<B, &B::waiting>},
          {"NODES", Align::right, false, 6, 56, number_cell<B, &B::nodes>, nullptr},
          {"OLDEST", Align::right, false, 8, 70, oldest_cell, most_first<B, &B::oldest_ms>},
          {"CLIENT", Align::left, true, 0, 56, text_cell<B, &B::client>, by_name<B, &B::client>}};
}

StyledLine age_cell(const TopTask& task, std::size_t /*width*/) {
  return {{show_milliseconds(task.age_ms)}};
}

TopColumns<TopTask> task_columns() {
  using T = TopTask;
  return {{"AGE", Align::right, false, 8, 0, age_cell, most_first<T, &T::age_ms>},
          {"NODE", Align::left, true, 0, 0, text_cell<T, &T::node>, by_name<T, &T::node>},
          {"PHASE", Align::left, false, 9, 56, state_cell<T, &T::phase>, by_name<T, &T::phase>},
          {"POOL", Align::left, true, 0, 70, text_cell<T, &T::pool>, by_name<T, &T::pool>},
          {"BUILD", Align::left, true, 0, 130, text_cell<T, &T::build>, by_name<T, &T::build>},
          {"TASK", Align::left, true, 0, 0, text_cell<T, &T::label>, by_name<T, &T::label>}};
}

// Those that a line so wide has room for, with a mark at the one that `order` chooses, which it
// returns.
template <typename Row>
const TopColumn<Row>* choose(TopColumns<Row>& columns, std::size_t order, std::size_t width) {
  std::erase_if(columns, [&](const TopColumn<Row>& one) { return one.room > width; });
  std::vector<TopColumn<Row>*> sortable;
  for (TopColumn<Row>& column : columns) {
    if (column.before != nullptr) sortable.push_back(&column);
  }
  TopColumn<Row>* chosen = sortable[order % sortable.size()];
  chosen->title += "↓";
  return chosen;
}

StyledLine joined(const std::vector<StyledLine>& cells, std::size_t width) {
  StyledLine line;
  for (const StyledLine& cell : cells) {
    if (!line.empty()) line.push_back({std::string(kColumnGap, ' ')});
    append(line, cell);
  }
  return fit(line, width);
}

// As wide as the line, so that it parts the tables.
StyledLine title_line(const std::vector<std::string>& titles, std::size_t width) {
  std::string text;
  for (const std::string& title : titles) {
    if (!text.empty()) text.append(kColumnGap, ' ');
    text += title;
  }
  text = fit(text, width);
  text.append(width - display_width(text), ' ');
  return {{text, Look::title}};
}

template <typename Row>
TopRows lay_out(std::vector<Row> rows, TopColumns<Row> columns, std::size_t order,
                std::size_t width) {
  const TopColumn<Row>* sorted = choose(columns, order, width);
  std::stable_sort(rows.begin(), rows.end(), sorted->before);
  std::vector<Column> titles;
  for (const auto& column : columns)
    titles.push_back({column.title, column.align, column.shrinks, column.least});
  Table table(std::move(titles));
  std::vector<std::vector<StyledLine>> styled;
  for (const Row& row : rows) {
    std::vector<std::string> texts;
    styled.emplace_back();
    for (const auto& column : columns) {
      styled.back().push_back(column.cell(row, width));
      texts.push_back(plain_text(styled.back().back()));
    }
    table.add(std::move(texts));
  }
  const auto cells = table.cells(width);
  TopRows result{title_line(cells.front(), width), {}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < columns.size(); ++j)
      styled[i][j] = laid_out(styled[i][j], cells[i + 1][j]);
    result.rows.push_back(joined(styled[i], width));
  }
  return result;
}

}  // namespace

TopRows top_rows(const TopFarm& farm, TopTable table, std::size_t order, std::size_t width) {
  switch (table) {
    case TopTable::nodes:
      return lay_out(farm.nodes, node_columns(width), order, width);
    case TopTable::pools:
      return lay_out(farm.pools, pool_columns(), order, width);
    case TopTable::builds:
      return lay_out(farm.builds, build_columns(), order, width);
    case TopTable::tasks:
      break;
  }
  return lay_out(farm.tasks, task_columns(), order, width);
}

std::size_t meter_cells(std::size_t width) {
  return std::clamp<std::size_t>(width / 5, 6, 32);
}

Look look_of(const std::string& state) {
  if (state == "ready" || state == "running") return Look::good;
  if (state == "lost" || state == "broken" || state == "no node") return Look::bad;
  if (state == "draining" || state == "warming" || state == "staging") return Look::warning;
  return Look::plain;
}

}  // namespace kiln::client
