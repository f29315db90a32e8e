// Which tasks are worth a line in the log because they last: pure.
#pragma once

#include <optional>
#include <vector>

#include "common/base/time.h"
#include "common/model/node.h"

namespace kiln::worker {

class StuckWatch {
 public:
  // Looks each `interval`; zero: never.
  StuckWatch(Duration interval, TimePoint now);

  // Those of `tasks` that are older than the interval, when it is time to look; else none.
  std::vector<TaskStatus> look(const std::vector<TaskStatus>& tasks, TimePoint now);
  std::optional<TimePoint> next_deadline() const;

 private:
  Duration interval_;
  TimePoint next_;
};

}  // namespace kiln::worker
