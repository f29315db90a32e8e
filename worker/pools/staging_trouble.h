// Why the toolchains that a pool's executors need are not there yet: pure.
//
// Files that do not come say nothing about the initializer, so they are none of its strikes: the
// executors wait, however long it takes. What tasks should not wait for is one failed try after the
// other.
#pragma once

#include <optional>
#include <string>

#include "common/base/time.h"

namespace kiln::worker {

class StagingTrouble {
 public:
  // `lasting`: waiting for other nodes alone will not mend it.
  void failed(const std::string& reason, bool lasting, TimePoint now) {
    reason_ = reason;
    last_ = now;
    if (!lasting) return since_.reset();
    if (!since_) since_ = now;
  }
  void over() { *this = {}; }

  // Of the last failure; empty: there is none.
  const std::string& reason() const { return reason_; }
  // It has failed for so long, try by try.
  bool lasts(Duration patience) const { return since_ && last_ - *since_ >= patience; }

 private:
  std::string reason_;
  std::optional<TimePoint> since_;  // of the failures in a row that last
  TimePoint last_;
};

}  // namespace kiln::worker
