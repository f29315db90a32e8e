// What a pool's warmth was good for, counted since the worker began: pure.
#pragma once

#include <cstdint>

#include "common/base/time.h"
#include "common/model/pool.h"

namespace kiln::worker {

class WarmCounters {
 public:
  void woke();
  void quiesced() { ++quiesces_; }
  void crashed() { ++crashes_; }

  // Whether the task that has just come is the first one after a start or wake.
  bool task_came();
  // `warm`: it found an executor initialised and its toolchain staged.
  void task_started(bool warm);
  // `took`: from its acceptance to its end. `first`: what task_came said.
  void task_ended(bool first, Duration took);

  void describe(PoolOnNode& pool) const;

 private:
  std::uint64_t tasks_ = 0;
  std::uint64_t hits_ = 0;
  std::uint64_t misses_ = 0;
  std::uint64_t quiesces_ = 0;
  std::uint64_t wakes_ = 0;
  std::uint64_t crashes_ = 0;
  Duration first_{};
  Duration steady_{};
  bool first_due_ = true;
};

// For the model's fields; never negative.
std::uint64_t microseconds_of(Duration duration);

}  // namespace kiln::worker
