#include "client/cli/top_head.h"

#include <array>
#include <cstdio>
#include <sstream>
#include <utility>

#include "client/cli/answer_text.h"
#include "client/cli/table.h"
#include "client/cli/top_tables.h"

namespace kiln::client {
namespace {

// Of what is wrong; the rest is for `kiln status`.
constexpr std::size_t kTroubleLines = 3;

StyledLine state_part(const TopFarm& farm) {
  StyledLine line = {{"farm "},
                     farm.is_there ? Piece{"ready", Look::good} : Piece{"away", Look::bad}};
  if (!farm.coordinator.empty()) line.push_back({" at " + farm.coordinator});
  return line;
}

StyledLine nodes_part(const TopFarm& farm) {
  const bool all = farm.ready_nodes == farm.nodes.size();
  return {{"nodes "},
          {std::to_string(farm.ready_nodes) + "/" + std::to_string(farm.nodes.size()),
           all ? Look::plain : Look::warning}};
}

StyledLine rate_part(const TopFarm& farm) {
  const auto rate = rate_of(farm);
  if (!rate) return {{"- tasks/s"}};
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.1f tasks/s", *rate);
  return {{text.data()}};
}

// The bar explains its characters.
std::vector<StyledLine> slot_parts(const TopFarm& farm, std::size_t width) {
  SlotUse use = use_of(farm);
  const std::string busy = std::to_string(use.busy) + "/" + std::to_string(use.slots) + " busy";
  const std::uint64_t waiting = std::exchange(use.queued, 0);
  StyledLine bar = {{"slots "}};
  append(bar, slot_meter(use, meter_cells(width)));
  return {
      bar,
      {{"#", Look::warning}, {" " + busy}},
      {{"=", Look::good}, {" " + std::to_string(ready_slots(use)) + " ready"}},
      {{". " + std::to_string(cold_slots(use)) + " free"}},
      {{">", waiting > 0 ? Look::bad : Look::plain}, {" " + std::to_string(waiting) + " waiting"}}};
}

// One part behind the other, each on one line.
void flow(const std::vector<StyledLine>& parts, std::size_t width, std::vector<StyledLine>& lines) {
  StyledLine line;
  for (const StyledLine& part : parts) {
    if (!line.empty() && display_width(line) + kColumnGap + display_width(part) > width)
      lines.push_back(std::exchange(line, {}));
    if (!line.empty()) line.push_back({std::string(kColumnGap, ' ')});
    append(line, part);
  }
  if (!line.empty()) lines.push_back(std::move(line));
}

}  // namespace

std::vector<StyledLine> top_head(const TopFarm& farm, std::size_t width) {
  std::vector<StyledLine> lines;
  flow({state_part(farm),
        nodes_part(farm),
        {{count(farm.pools.size(), "pool")}},
        {{count(farm.tasks.size(), "task")}},
        rate_part(farm)},
       width, lines);
  flow(slot_parts(farm, width), width, lines);
  std::istringstream trouble(wrap(farm.trouble, 2, width));
  std::size_t said = 0;
  for (std::string text; said < kTroubleLines && std::getline(trouble, text); ++said)
    lines.push_back({{text, Look::bad}});
  for (StyledLine& line : lines) line = fit(line, width);
  return lines;
}

}  // namespace kiln::client
