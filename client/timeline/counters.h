// How many jobs were in which state at which time: pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "client/timeline/pieces.h"

namespace kiln::client {

// Of jobs that are listed (or wait for it), wait for a lease, are with a node, run here.
inline constexpr std::array<const char*, 4> kStates = {"listing", "waiting", "remote", "local"};

struct Counted {
  std::int64_t at = 0;  // microseconds since the build began; holds until the next one
  std::array<std::int64_t, kStates.size()> jobs{};
};

// One for each time at which a number changes, in order.
std::vector<Counted> count_states(const std::vector<Piece>& pieces);

}  // namespace kiln::client
