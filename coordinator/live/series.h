// How the farm did over the last minutes: one point for each look at it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "coordinator/live/snapshot.h"

namespace kiln::coordinator {

struct SeriesPoint {
  std::uint64_t look = 0;  // which one it was
  TimePoint at{};
  std::uint64_t running = 0;
  std::uint64_t waiting = 0;    // requests for leases
  std::uint64_t completed = 0;  // tasks, since the point before
  // From acceptance by a worker to the end of the command; nullopt: none ended.
  std::optional<Duration> median;
  std::optional<Duration> p95;
};

class Series {
 public:
  explicit Series(std::size_t points = 600) : capacity_(points) {}

  // `times`: of the tasks that ended since the look before.
  void add(std::uint64_t look, const FarmSnapshot& farm, std::vector<Duration> times);

  const std::deque<SeriesPoint>& points() const { return points_; }

 private:
  // What a worker said last of the tasks that it completed.
  struct Completed {
    std::uint64_t epoch = 0;
    std::uint64_t tasks = 0;
  };
  std::uint64_t completed_since(const FarmSnapshot& farm);

  std::size_t capacity_;
  std::deque<SeriesPoint> points_;
  std::map<std::string, Completed> completed_;
};

}  // namespace kiln::coordinator
