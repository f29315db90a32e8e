// Initializers that failed, in a row: pure.
//
// A pool's executors run one initializer each, often at once. Those that had begun before the last
// strike was counted fail for the same reason as that one, so a round of failures is one strike.
#pragma once

#include <cstdint>

#include "common/base/time.h"

namespace kiln::worker {

class Strikes {
 public:
  void failed(TimePoint begun, TimePoint now) {
    if (count_ > 0 && begun < last_) return;
    ++count_;
    last_ = now;
  }
  void forgive() { count_ = 0; }
  std::uint32_t count() const { return count_; }

 private:
  std::uint32_t count_ = 0;
  TimePoint last_;  // when it was counted
};

}  // namespace kiln::worker
