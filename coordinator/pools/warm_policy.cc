#include "coordinator/pools/warm_policy.h"

#include <algorithm>
#include <cstddef>

namespace kiln::coordinator {
namespace {

bool on_day(const WarmWindow& window, unsigned weekday) {
  return (window.days >> (weekday % 7) & 1U) != 0;
}

bool past_midnight(const WarmWindow& window) {
  return window.to_minute <= window.from_minute;
}

}  // namespace

bool applies(const WarmWindow& window, const WeekTime& time) {
  const bool begun = time.minute >= window.from_minute;
  const bool over = time.minute >= window.to_minute;
  if (!past_midnight(window)) return on_day(window, time.weekday) && begun && !over;
  // Its days are those on which it opens.
  return (on_day(window, time.weekday) && begun) || (on_day(window, time.weekday + 6U) && !over);
}

std::uint32_t wanted_ready(const PoolSpec& spec, const WeekTime& time) {
  auto wanted = spec.min_warm;
  for (const auto& window : spec.windows) {
    if (applies(window, time)) wanted = std::max(wanted, window.ready);
  }
  return wanted;
}

std::uint32_t minutes_to_change(const PoolSpec& spec, const WeekTime& time) {
  std::uint32_t least = 0;
  const auto now = time.weekday * kMinutesOfDay + time.minute;
  const auto consider = [&](std::uint32_t day, std::uint32_t minute) {
    const auto when = (day * kMinutesOfDay + minute) % kMinutesOfWeek;
    const auto distance = (when + kMinutesOfWeek - now) % kMinutesOfWeek;
    const auto minutes = distance == 0 ? kMinutesOfWeek : distance;
    if (least == 0 || minutes < least) least = minutes;
  };
  for (const auto& window : spec.windows) {
    for (std::uint32_t day = 0; day < 7; ++day) {
      if (!on_day(window, day)) continue;
      consider(day, window.from_minute);
      consider(past_midnight(window) ? day + 1 : day, window.to_minute);
    }
  }
  return least;
}

void spread(std::uint32_t total, std::vector<Share>& shares) {
  std::uint64_t all = 0;
  for (const auto& share : shares) all += share.most;
  if (all == 0) return;
  const auto wanted = std::min<std::uint64_t>(total, all);
  std::uint64_t given = 0;
  struct Rest {
    std::uint64_t remainder;
    Share* share;
  };
  std::vector<Rest> rests;
  for (auto& share : shares) {
    const auto exact = wanted * share.most;
    share.given = static_cast<std::uint32_t>(exact / all);
    given += share.given;
    rests.push_back({exact % all, &share});
  }
  std::sort(rests.begin(), rests.end(), [](const Rest& a, const Rest& b) {
    return a.remainder != b.remainder ? a.remainder > b.remainder : a.share->node < b.share->node;
  });
  // As many as are missing have a remainder above 0, and so are below their `most`.
  for (std::size_t i = 0; given < wanted; ++i, ++given) ++rests[i].share->given;
}

}  // namespace kiln::coordinator
