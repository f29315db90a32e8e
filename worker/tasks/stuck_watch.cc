#include "worker/tasks/stuck_watch.h"

namespace kiln::worker {

StuckWatch::StuckWatch(Duration interval, TimePoint now)
    : interval_(interval), next_(now + interval) {}

std::vector<TaskStatus> StuckWatch::look(const std::vector<TaskStatus>& tasks, TimePoint now) {
  std::vector<TaskStatus> stuck;
  if (!next_deadline() || now < next_) return stuck;
  next_ = now + interval_;
  for (const auto& task : tasks) {
    if (milliseconds(task.age_ms) >= interval_) stuck.push_back(task);
  }
  return stuck;
}

std::optional<TimePoint> StuckWatch::next_deadline() const {
  if (interval_ <= Duration::zero()) return std::nullopt;
  return next_;
}

}  // namespace kiln::worker
