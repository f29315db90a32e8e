// When a peer that sends what cannot be read is given up: pure.
//
// One such message may be a fault of a moment, and what it was about is asked for again. A peer
// that goes on so would be asked for ever.
#pragma once

#include <cstdint>

#include "common/base/time.h"

namespace kiln::client {

class GarbleCount {
 public:
  static constexpr std::uint32_t kTooMany = 3;
  static constexpr Duration kWithin = seconds(60);

  // Another one came; whether it is the third within a minute.
  bool one_more(TimePoint now) {
    if (count_ == 0 || now - since_ > kWithin) {
      since_ = now;
      count_ = 0;
    }
    return ++count_ >= kTooMany;
  }

 private:
  std::uint32_t count_ = 0;
  TimePoint since_;  // of the first of those that count
};

}  // namespace kiln::client
