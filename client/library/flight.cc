#include "client/library/flight.h"

#include <map>
#include <utility>

namespace kiln::v1 {

bool Flight::add(Owner owner, wire::SessionTask message, TaskPtr task) {
  if (pending_ >= max_pending_) return false;
  const Number number = message.number;
  entries_.emplace(number, Entry{owner, std::move(task), std::move(message)});
  waiting_.insert(number);
  ++pending_;
  return true;
}

std::optional<wire::SessionTask> Flight::next() {
  if (waiting_.empty() || sent() >= window_) return std::nullopt;
  const Number number = *waiting_.begin();
  waiting_.erase(waiting_.begin());
  return std::exchange(entries_.at(number).message, std::nullopt);
}

Flight::Cancel Flight::cancel(Number number, TaskPtr& task) {
  const auto found = entries_.find(number);
  if (found == entries_.end() || !found->second.task) return Cancel::unknown;
  if (waiting_.erase(number) == 0) return Cancel::was_sent;
  task = std::move(found->second.task);
  entries_.erase(found);
  --pending_;
  return Cancel::was_waiting;
}

Flight::TaskPtr Flight::end(Number number) {
  const auto found = entries_.find(number);
  if (found == entries_.end() || waiting_.contains(number)) return nullptr;
  TaskPtr task = std::move(found->second.task);
  entries_.erase(found);
  if (task) --pending_;
  return task;
}

Flight::Dropped Flight::drop(Owner owner) {
  Dropped dropped;
  for (auto at = entries_.begin(); at != entries_.end();) {
    const bool is_meant = at->second.owner == owner && at->second.task;
    if (!is_meant) {
      ++at;
      continue;
    }
    --pending_;
    dropped.tasks.push_back(std::move(at->second.task));
    at->second.task = nullptr;
    if (waiting_.erase(at->first) > 0) {
      at = entries_.erase(at);
    } else {
      dropped.sent.push_back(at->first);
      ++at;
    }
  }
  return dropped;
}

std::vector<Flight::TaskPtr> Flight::take_all() {
  std::map<Number, TaskPtr> in_order;
  for (auto& [number, entry] : entries_) {
    if (entry.task) in_order.emplace(number, std::move(entry.task));
  }
  entries_.clear();
  waiting_.clear();
  pending_ = 0;
  std::vector<TaskPtr> tasks;
  tasks.reserve(in_order.size());
  for (auto& [number, task] : in_order) tasks.push_back(std::move(task));
  return tasks;
}

}  // namespace kiln::v1
