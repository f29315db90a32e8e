// The slots of a node or a farm as a bar: "[###==....]>2".
#pragma once

#include <cstddef>
#include <cstdint>

#include "client/cli/styled_text.h"

namespace kiln::client {

struct SlotUse {
  std::uint64_t slots = 0;
  std::uint64_t busy = 0;
  std::uint64_t ready = 0;  // executors that are initialised and idle
  std::uint64_t queued = 0;
};

// Free slots that have an executor ready, and the others.
std::uint64_t ready_slots(const SlotUse& use);
std::uint64_t cold_slots(const SlotUse& use);

// `cells` characters, at least 3, between brackets: # busy, = free with an executor ready, . free;
// each that there is has one at least. Behind them, after >, how many are queued, if any.
StyledLine slot_meter(const SlotUse& use, std::size_t cells);

}  // namespace kiln::client
