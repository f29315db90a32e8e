// Which lane of a timeline an event lies in: pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kiln::client {

// Microseconds since the build began.
struct Span {
  std::int64_t begin = 0;
  std::int64_t end = 0;  // not before `begin`
  friend bool operator==(const Span&, const Span&) = default;
};

// A lane for each of `spans`, in their order, counted from 0. No two spans of a lane overlap; where
// one ends another may begin. Each takes the lowest lane that is free, so there are as many lanes
// as spans at once at the busiest moment.
std::vector<std::size_t> assign_lanes(const std::vector<Span>& spans);

}  // namespace kiln::client
