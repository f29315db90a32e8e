// The clock types. Pure code takes a TimePoint as an input and never asks a clock.
#pragma once

#include <chrono>

namespace kiln {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;
using std::chrono::milliseconds;
using std::chrono::seconds;

// `duration` in seconds, for metrics and JSON.
inline double in_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace kiln
