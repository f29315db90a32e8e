// For how long a peer has said nothing. Pure: time is an input.
#pragma once

#include <utility>

#include "common/base/time.h"

namespace kiln::net {

// Whoever watches a peer beats at least each second. A beat that comes much later means that we
// stood still (a stopped process, a suspended machine): what the peer sent meanwhile has not been
// read yet, so it counts as heard.
class SilenceWatch {
 public:
  explicit SilenceWatch(TimePoint now = {}) : heard_(now), beat_(now) {}

  // The peer said something, or there was no reason that it should.
  void heard(TimePoint now) { heard_ = now; }
  // True: we stood still since the last one.
  bool beat(TimePoint now) {
    const bool stood_still = now - std::exchange(beat_, now) > kStandstill;
    if (stood_still) heard_ = now;
    return stood_still;
  }
  Duration silence(TimePoint now) const { return now - heard_; }

 private:
  static constexpr Duration kStandstill = seconds(2);

  TimePoint heard_;
  TimePoint beat_;
};

}  // namespace kiln::net
