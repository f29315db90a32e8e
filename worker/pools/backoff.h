// How long to wait before the next try of what failed several times in a row.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/base/time.h"

namespace kiln::worker {

// 1, 2, 4 … times `first`, at most `longest`; `count` is 0 for the first.
inline Duration doubled(Duration first, std::uint32_t count, Duration longest) {
  constexpr std::uint32_t kMost = 20;
  return std::min(longest, first * (std::int64_t{1} << std::min(count, kMost)));
}

}  // namespace kiln::worker
