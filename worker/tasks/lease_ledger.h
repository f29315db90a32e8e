// What is left of each lease that the worker has seen: pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/base/time.h"
#include "common/model/lease.h"
#include "common/model/task.h"

namespace kiln::worker {

class LeaseLedger {
 public:
  // `keep`: how long a lease that has ended is remembered, so that it cannot begin anew.
  explicit LeaseLedger(Duration keep) : keep_(keep) {}

  // Why no task may run under the lease now, as Busy says it; nothing when one may. Its lifetime
  // counts from the first time.
  std::optional<std::string> refusal(const Lease& lease, TimePoint now);
  // REQUIRES: it was not refused.
  void begin(const LeaseId& lease, const AttemptId& attempt);
  // The attempt has a result: the next one may come.
  void end(const LeaseId& lease, const AttemptId& attempt);

  void expire(TimePoint now);
  std::optional<TimePoint> next_deadline() const;

 private:
  struct State {
    std::uint32_t left = 0;
    TimePoint expires;
    std::optional<AttemptId> current;
  };
  Duration keep_;
  std::map<LeaseId, State> leases_;
};

}  // namespace kiln::worker
