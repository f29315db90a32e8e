// Virtual time, chance from one seed, and a network that loses, delays, repeats and reorders.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "common/base/time.h"
#include "coordinator/scheduling/random.h"

namespace kiln::simulation {

struct NetworkFaults {
  double loss = 0;
  double repeat = 0;
  Duration least_delay = std::chrono::microseconds(100);
  Duration most_delay = std::chrono::microseconds(500);
};

class World {
 public:
  World(std::uint64_t seed, const NetworkFaults& faults) : random(seed), faults_(faults) {}

  TimePoint now() const { return now_; }

  void at(TimePoint when, std::function<void()> action) {
    events_.push({std::max(when, now_), next_++, std::move(action)});
  }
  void after(Duration delay, std::function<void()> action) { at(now_ + delay, std::move(action)); }

  // A message: perhaps late, perhaps twice, perhaps never. Messages may overtake one another.
  void send(const std::function<void()>& deliver) {
    if (random.chance(faults_.loss)) return;
    after(delay(), deliver);
    if (random.chance(faults_.repeat)) after(delay(), deliver);
  }
  Duration delay() {
    const auto span = (faults_.most_delay - faults_.least_delay).count();
    return faults_.least_delay + Duration(random.below(static_cast<std::size_t>(span) + 1));
  }

  // Runs the next event; false when there is none up to `end`.
  bool step(TimePoint end) {
    if (events_.empty() || events_.top().when > end) return false;
    auto action = std::move(const_cast<Entry&>(events_.top()).action);
    now_ = events_.top().when;
    events_.pop();
    action();
    return true;
  }

  // Folds a fact into the fingerprint of this run.
  void trace(std::uint64_t fact) {
    trace_ = coordinator::mix(trace_ ^ fact) + static_cast<std::uint64_t>(count(now_));
  }
  std::uint64_t fingerprint() const { return trace_; }

  coordinator::Random random;

 private:
  struct Entry {
    TimePoint when;
    std::uint64_t order;
    std::function<void()> action;
    bool operator<(const Entry& other) const {
      return std::pair(other.when, other.order) < std::pair(when, order);
    }
  };
  static std::int64_t count(TimePoint time) { return time.time_since_epoch().count(); }

  NetworkFaults faults_;
  TimePoint now_{};
  std::uint64_t next_ = 0;
  std::uint64_t trace_ = 0;
  std::priority_queue<Entry> events_;
};

}  // namespace kiln::simulation
