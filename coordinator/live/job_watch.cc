#include "coordinator/live/job_watch.h"

#include <algorithm>

namespace kiln::coordinator {
namespace {

using Kind = JobChange::Kind;

// Workers send them sorted; whoever does not costs us a sort.
std::vector<const TaskStatus*> by_attempt(const std::vector<TaskStatus>& tasks) {
  std::vector<const TaskStatus*> sorted;
  sorted.reserve(tasks.size());
  for (const auto& task : tasks) sorted.push_back(&task);
  const auto earlier = [](const auto* a, const auto* b) { return a->attempt < b->attempt; };
  if (!std::is_sorted(sorted.begin(), sorted.end(), earlier)) {
    std::sort(sorted.begin(), sorted.end(), earlier);
  }
  const auto same = [](const auto* a, const auto* b) { return a->attempt == b->attempt; };
  sorted.erase(std::unique(sorted.begin(), sorted.end(), same), sorted.end());
  return sorted;
}

TimePoint ago(TimePoint now, std::uint64_t ms) {
  constexpr std::uint64_t kLongest = std::uint64_t{365} * 24 * 3600 * 1000;
  return now - milliseconds(std::min(ms, kLongest));
}

JobChange change(Kind kind, const std::string& node, const TaskStatus& task, TimePoint now) {
  JobChange made{kind, node, task.attempt, task.phase, ago(now, task.phase_ms)};
  if (kind != Kind::came) return made;
  made.accepted = ago(now, task.age_ms);
  made.label = task.label;
  made.pool = task.pool;
  made.build = task.build;
  made.client = task.client;
  return made;
}

}  // namespace

void JobWatch::reported(const std::string& node, std::uint64_t epoch, const Occupancy& occupancy,
                        TimePoint now, std::vector<JobChange>& out) {
  const auto earlier = nodes_.find(node);
  if (earlier != nodes_.end() && earlier->second.epoch != epoch) lost(node, now, out);
  const auto [entry, is_new] = nodes_.try_emplace(node);
  Node& known = entry->second;
  if (!is_new && occupancy.sequence <= known.sequence) return;
  known.epoch = epoch;
  known.sequence = occupancy.sequence;
  std::vector<Known> tasks;
  tasks.reserve(occupancy.tasks.size());
  auto before = known.tasks.begin();
  const auto went_before = [&](const AttemptId* next) {
    for (; before != known.tasks.end() && (next == nullptr || before->attempt < *next); ++before) {
      out.push_back({Kind::went, node, before->attempt, before->phase, now});
    }
  };
  for (const auto* task : by_attempt(occupancy.tasks)) {
    went_before(&task->attempt);
    const bool was_there = before != known.tasks.end() && before->attempt == task->attempt;
    if (!was_there) {
      out.push_back(change(Kind::came, node, *task, now));
    } else if (before++->phase != task->phase) {
      out.push_back(change(Kind::moved, node, *task, now));
    }
    tasks.push_back({task->attempt, task->phase});
  }
  went_before(nullptr);
  known.tasks = std::move(tasks);
}

void JobWatch::lost(const std::string& node, TimePoint now, std::vector<JobChange>& out) {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return;
  for (const auto& task : found->second.tasks) {
    out.push_back({Kind::lost, node, task.attempt, task.phase, now});
  }
  nodes_.erase(found);
}

}  // namespace kiln::coordinator
