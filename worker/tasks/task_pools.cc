// The half of TaskTable that hears of executors and pools.
#include <algorithm>
#include <utility>

#include "worker/tasks/task_table.h"

namespace kiln::worker {

void TaskTable::pools_changed(PoolActions changes, TimePoint now, Actions& out) {
  for (auto& change : changes) {
    std::visit([&out](auto& action) { out.emplace_back(std::move(action)); }, change);
  }
  dispatch(now, out);
  end_hopeless(now, out);
}

Actions TaskTable::decide(Tell tell, TimePoint now, const Decision& decision) {
  Actions out;
  PoolActions changes;
  decision(changes);
  if (tell == Tell::occupancy) out.emplace_back(OccupancyChanged{});
  pools_changed(std::move(changes), now, out);
  return out;
}

Actions TaskTable::executor_ready(PlaceId place, TimePoint now) {
  return decide(Tell::occupancy, now,
                [&](PoolActions& out) { pools_.executor_ready(place, now, out); });
}

Actions TaskTable::initialised(PlaceId place, const InitialiserEnd& end, TimePoint now) {
  return decide(Tell::occupancy, now,
                [&](PoolActions& out) { pools_.initialised(place, end, now, out); });
}

Actions TaskTable::pool_staging_failed(const std::string& pool, const std::string& reason,
                                       bool lasting, TimePoint now) {
  return decide(Tell::nothing, now,
                [&](PoolActions& out) { pools_.staging_failed(pool, reason, lasting, now, out); });
}

Actions TaskTable::pool_staged(const std::string& pool, TimePoint now) {
  return decide(Tell::nothing, now, [&](PoolActions& out) { pools_.staged(pool, now, out); });
}

Actions TaskTable::executor_lost(PlaceId place, const std::string& reason, TimePoint now) {
  // Its task goes on only as a result to be completed: what the place does next is not its own.
  if (const auto running = running_.find(place); running != running_.end()) {
    const auto entry = entries_.find(running->second);
    if (entry != entries_.end()) entry->second.place.reset();
    running_.erase(running);
  }
  return decide(Tell::occupancy, now,
                [&](PoolActions& out) { pools_.executor_lost(place, reason, now, out); });
}

Actions TaskTable::executor_stopped(PlaceId place, TimePoint now) {
  return decide(Tell::nothing, now,
                [&](PoolActions& out) { pools_.executor_stopped(place, now, out); });
}

Actions TaskTable::template_ready(const std::string& pool, TimePoint now) {
  return decide(Tell::nothing, now,
                [&](PoolActions& out) { pools_.template_ready(pool, now, out); });
}

Actions TaskTable::template_lost(const std::string& pool, const std::string& reason,
                                 TimePoint now) {
  return decide(Tell::nothing, now,
                [&](PoolActions& out) { pools_.template_lost(pool, reason, now, out); });
}

Actions TaskTable::configure_pool(const PoolTerms& terms, TimePoint now) {
  return decide(Tell::occupancy, now, [&](PoolActions& out) { pools_.configure(terms, now, out); });
}

Actions TaskTable::warm_pool(const std::string& pool, std::uint32_t count, TimePoint now) {
  return decide(Tell::nothing, now, [&](PoolActions& out) { pools_.warm(pool, count, now, out); });
}

Actions TaskTable::quiesce_pool(const std::string& pool, TimePoint now) {
  return decide(Tell::occupancy, now, [&](PoolActions& out) { pools_.quiesce(pool, now, out); });
}

PoolOnNode TaskTable::pool(const std::string& name) const {
  PoolOnNode status = pools_.status(name);
  status.queued = static_cast<std::uint32_t>(
      std::count_if(queue_.begin(), queue_.end(),
                    [&](const AttemptId& attempt) { return entries_.at(attempt).pool == name; }));
  return status;
}

}  // namespace kiln::worker
