#include "client/cli/warm_progress.h"

#include <algorithm>
#include <sstream>

#include <nlohmann/json.hpp>

#include "client/cli/pool_node.h"
#include "client/cli/render_pools.h"
#include "client/cli/table.h"
#include "client/cli/units.h"

namespace kiln::client {
namespace {

constexpr std::size_t kMostNodes = 10;
// Beside the nodes: what is waited for, the titles, how many more there are, and the cursor's.
constexpr std::size_t kOtherLines = 4;

bool initialises(const Json& pool) {
  return !member(pool, "init").empty() || !member(pool, "probe").empty();
}

std::string step_of(const Json& pool, const Json& node) {
  if (!lives(node)) return text_of(node, "state");
  if (!is_true(node, "answered")) return "silent";
  if (is_broken(node)) return "broken";
  if (number_of(node, "lacks") > 0) return "staging";
  if (lack_of(node).empty()) return "ready";
  const bool started = step_text(member(node, "pool"), "start_ms") != "-";
  return started && initialises(pool) ? "initialising" : "starting";
}

bool is_done(const Json& node) {
  return lives(node) && (lack_of(node).empty() || (is_broken(node) && is_true(node, "answered")));
}

// In the order of the answer, but those that are done behind the others where some must be left
// out.
std::vector<const Json*> nodes_to_show(const Json& pool, std::size_t most) {
  std::vector<const Json*> nodes;
  for (const Json& node : member(pool, "nodes")) nodes.push_back(&node);
  if (nodes.size() <= most) return nodes;
  std::stable_partition(nodes.begin(), nodes.end(),
                        [](const Json* node) { return !is_done(*node); });
  nodes.resize(most);
  return nodes;
}

std::string title_of(const Json& answer, std::uint64_t asked, Duration took) {
  const Json& pool = first_pool(answer);
  const Json& nodes = member(pool, "nodes");
  const auto lacking = std::count_if(
      nodes.begin(), nodes.end(), [](const Json& node) { return lives(node) && !is_done(node); });
  const std::string what = lacking > 0
                               ? std::to_string(lacking) + " of " + count(nodes.size(), "node")
                               : warmth_of(answer, asked).waits_for;
  const auto elapsed = std::chrono::duration_cast<milliseconds>(took).count();
  return text_of(pool, "name") + ": " + show_milliseconds(static_cast<std::uint64_t>(elapsed)) +
         ", waits for " + what;
}

std::size_t lines_of(const std::string& row, std::size_t columns) {
  const std::size_t width = display_width(row);
  return columns == 0 || width == 0 ? 1 : (width + columns - 1) / columns;
}

}  // namespace

std::vector<std::string> WarmProgress::cells(const Json& pool, const Json& node, TimePoint now) {
  const std::string name = text_of(node, "node");
  const std::string word = step_of(pool, node);
  Step& step = steps_.try_emplace(name, Step{word, began_}).first->second;
  if (step.word != word) step = Step{word, now};
  const Json& there = member(node, "pool");
  const auto time_of = [&](const char* step_name, const char* field) {
    if (word != step_name) return step_text(there, field);
    const auto lasts = std::chrono::duration_cast<milliseconds>(now - step.since).count();
    return show_milliseconds(static_cast<std::uint64_t>(lasts));
  };
  const std::string reason = text_of(there, "reason");
  return {name,
          word,
          std::to_string(warm_executors(node)) + "/" + std::to_string(number_of(node, "wanted")),
          time_of("staging", "stage_ms"),
          time_of("starting", "start_ms"),
          time_of("initialising", "initialise_ms"),
          reason == "-" ? "" : reason};
}

std::vector<std::string> WarmProgress::rows(const Json& answer, std::uint64_t asked, TimePoint now,
                                            const ScreenSize& screen) {
  const Json& pool = first_pool(answer);
  // The last column stays free: a terminal wraps behind it, some at once.
  const std::size_t width = screen.columns - std::min<std::size_t>(screen.columns, 1);
  const std::size_t room = screen.lines - std::min(screen.lines, kOtherLines);
  const auto shown = nodes_to_show(pool, std::clamp<std::size_t>(room, 1, kMostNodes));
  std::vector<std::string> rows = {fit(title_of(answer, asked, now - began_), width)};
  if (shown.empty()) return rows;
  Table table({{"NODE", Align::left, true},
               {"STATE", Align::left, false},
               {"READY", Align::right, false},
               {"STAGE", Align::right, false},
               {"START", Align::right, false},
               {"INIT", Align::right, false},
               {"", Align::left, true}});
  for (const Json* node : shown) table.add(cells(pool, *node, now));
  std::istringstream lines(table.text(width));
  for (std::string line; std::getline(lines, line);) rows.push_back(line);
  if (const auto more = member(pool, "nodes").size() - shown.size(); more > 0)
    rows.push_back(fit("… and " + count(more, "more node"), width));
  return rows;
}

std::string redraw(const std::vector<std::string>& before, const std::vector<std::string>& rows,
                   std::size_t columns) {
  std::size_t up = 0;  // a terminal that was made narrower has broken what it shows
  for (const std::string& row : before) up += lines_of(row, columns);
  std::string text = "\r";
  if (up > 0) text += "\x1b[" + std::to_string(up) + "A";
  // Each line is cleared behind its text and not before it, which would flicker.
  for (const std::string& row : rows) text += row + "\x1b[K\n";
  return text + "\x1b[J";
}

}  // namespace kiln::client
