#include "client/cli/slot_meter.h"

#include <algorithm>
#include <cmath>

namespace kiln::client {
namespace {

std::uint64_t busy_slots(const SlotUse& use) {
  return std::min(use.busy, use.slots);
}

// Of `cells`, so many for `part` of `whole`, and one at least for each part that there is.
std::size_t share(std::uint64_t part, std::uint64_t whole, std::size_t cells, std::size_t others) {
  if (part == 0 || whole == 0) return 0;
  const auto exact = static_cast<double>(part) * static_cast<double>(cells);
  const auto rounded = static_cast<std::size_t>(std::lround(exact / static_cast<double>(whole)));
  return std::clamp<std::size_t>(rounded, 1, cells - std::min(cells - 1, others));
}

}  // namespace

std::uint64_t ready_slots(const SlotUse& use) {
  return std::min(use.ready, use.slots - busy_slots(use));
}

std::uint64_t cold_slots(const SlotUse& use) {
  return use.slots - busy_slots(use) - ready_slots(use);
}

StyledLine slot_meter(const SlotUse& use, std::size_t cells) {
  const std::size_t room = std::max<std::size_t>(cells, 3);
  const std::size_t is_ready = ready_slots(use) > 0 ? 1 : 0;
  const std::size_t is_cold = cold_slots(use) > 0 ? 1 : 0;
  const std::size_t busy = share(busy_slots(use), use.slots, room, is_ready + is_cold);
  const std::size_t left = room - busy;
  const std::size_t ready =
      left == 0 ? 0 : share(ready_slots(use), use.slots - busy_slots(use), left, is_cold);
  StyledLine line = {{"["}};
  if (busy > 0) line.push_back({std::string(busy, '#'), Look::warning});
  if (ready > 0) line.push_back({std::string(ready, '='), Look::good});
  if (left > ready) line.push_back({std::string(left - ready, use.slots > 0 ? '.' : ' ')});
  line.push_back({"]"});
  if (use.queued > 0) line.push_back({">" + std::to_string(use.queued), Look::bad});
  return line;
}

}  // namespace kiln::client
