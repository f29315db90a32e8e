#include "worker/pools/warm_counters.h"

#include <algorithm>
#include <utility>

namespace kiln::worker {

std::uint64_t microseconds_of(Duration duration) {
  const auto count = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  return static_cast<std::uint64_t>(std::max<decltype(count)>(0, count));
}

void WarmCounters::woke() {
  ++wakes_;
  first_due_ = true;
}

bool WarmCounters::task_came() {
  return std::exchange(first_due_, false);
}

void WarmCounters::task_started(bool warm) {
  ++(warm ? hits_ : misses_);
}

void WarmCounters::task_ended(bool first, Duration took) {
  ++tasks_;
  (first ? first_ : steady_) = took;
}

void WarmCounters::describe(PoolOnNode& pool) const {
  pool.tasks = tasks_;
  pool.warm_hits = hits_;
  pool.warm_misses = misses_;
  pool.quiesces = quiesces_;
  pool.wakes = wakes_;
  pool.crashes = crashes_;
  pool.first_us = microseconds_of(first_);
  pool.steady_us = microseconds_of(steady_);
}

}  // namespace kiln::worker
