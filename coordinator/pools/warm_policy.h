// How many executors of a pool are to be ready now, and how they are spread over its nodes. The
// time of the week is an input.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/model/pool.h"

namespace kiln::coordinator {

inline constexpr std::uint32_t kMinutesOfDay = 24 * 60;
inline constexpr std::uint32_t kMinutesOfWeek = 7 * kMinutesOfDay;

// In the coordinator's time zone.
struct WeekTime {
  std::uint8_t weekday = 0;  // 0: Monday
  std::uint32_t minute = 0;  // of the day
  friend bool operator==(const WeekTime&, const WeekTime&) = default;
};

// Whether the window is open at that minute.
bool applies(const WarmWindow& window, const WeekTime& time);

// Executors to be ready on all nodes together: the larger of min_warm and the largest open window.
std::uint32_t wanted_ready(const PoolSpec& spec, const WeekTime& time);

// Minutes until wanted_ready may be another, at least 1; 0: never.
std::uint32_t minutes_to_change(const PoolSpec& spec, const WeekTime& time);

// Of one node: how many executors it has at most.
struct Share {
  std::string node;
  std::uint32_t most = 0;
  std::uint32_t given = 0;
};

// Gives `total` to the shares in proportion to `most`, by the largest remainder (of equal ones the
// first by name), none more than its `most`.
void spread(std::uint32_t total, std::vector<Share>& shares);

}  // namespace kiln::coordinator
