#include "coordinator/live/series.h"

#include <algorithm>
#include <utility>

namespace kiln::coordinator {
namespace {

// REQUIRES: not empty; 0 <= share < 1.
Duration quantile(std::vector<Duration>& times, double share) {
  const auto at =
      times.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(times.size()));
  std::nth_element(times.begin(), at, times.end());
  return *at;
}

}  // namespace

void Series::add(std::uint64_t look, const FarmSnapshot& farm, std::vector<Duration> times) {
  SeriesPoint point;
  point.look = look;
  point.at = farm.taken;
  point.waiting = farm.waiting_requests;
  for (const auto& node : farm.nodes) {
    if (node.state != NodeState::lost) point.running += node.occupancy->running;
  }
  point.completed = completed_since(farm);
  if (!times.empty()) {
    point.median = quantile(times, 0.5);
    point.p95 = quantile(times, 0.95);
  }
  points_.push_back(point);
  if (points_.size() > capacity_) points_.pop_front();
}

// What a worker did before it was first seen is of no step.
std::uint64_t Series::completed_since(const FarmSnapshot& farm) {
  std::uint64_t sum = 0;
  std::map<std::string, Completed> now;
  for (const auto& node : farm.nodes) {
    const Completed said{node.info->epoch, node.occupancy->completed};
    const auto before = completed_.find(node.info->name);
    const bool same = before != completed_.end() && before->second.epoch == said.epoch;
    if (same) sum += said.tasks - std::min(said.tasks, before->second.tasks);
    now.emplace(node.info->name, said);
  }
  completed_ = std::move(now);
  return sum;
}

}  // namespace kiln::coordinator
