// Attempts that are over, or were cancelled before they came, for as long as a late message may
// still speak of them: pure.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "common/base/time.h"
#include "common/model/task.h"

namespace kiln::worker {

class Tombstones {
 public:
  // At most `limit` are kept, the newest.
  Tombstones(Duration keep, std::size_t limit) : keep_(keep), limit_(limit) {}

  bool contains(const AttemptId& attempt) const { return until_.contains(attempt); }
  void bury(const AttemptId& attempt, TimePoint now) {
    if (!until_.emplace(attempt, now + keep_).second) return;
    order_.emplace_back(now + keep_, attempt);
    while (order_.size() > limit_) drop_oldest();
  }
  void expire(TimePoint now) {
    while (!order_.empty() && now >= order_.front().first) drop_oldest();
  }
  std::optional<TimePoint> next_deadline() const {
    if (order_.empty()) return std::nullopt;
    return order_.front().first;
  }

 private:
  void drop_oldest() {
    until_.erase(order_.front().second);
    order_.pop_front();
  }

  Duration keep_;
  std::size_t limit_;
  std::map<AttemptId, TimePoint> until_;
  std::deque<std::pair<TimePoint, AttemptId>> order_;
};

}  // namespace kiln::worker
