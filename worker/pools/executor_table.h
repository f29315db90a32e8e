// All pools of a node with their executors: pure, with time as an input.
//
// The default pool is always there: fresh processes, as many as the node has slots, always kept.
// Others come and go by configure(). How many tasks run at once over all pools is the TaskTable's
// to decide; here a task gets an executor of its pool, or does not.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "worker/pools/pool_executors.h"

namespace kiln::worker {

class ExecutorTable {
 public:
  ExecutorTable(NodeFacts node, PoolPolicy policy);
  ExecutorTable(const ExecutorTable&) = delete;  // its pools take their places' ids from it
  ExecutorTable& operator=(const ExecutorTable&) = delete;

  // The default pool's first executors. Call once.
  void start(TimePoint now, PoolActions& out);
  // Makes, changes or ends a pool. The default pool stays as it is.
  void configure(const PoolTerms& terms, TimePoint now, PoolActions& out);
  // Those for the default pool and for pools that are not here are ignored.
  void warm(const std::string& pool, std::uint32_t count, TimePoint now, PoolActions& out);
  void quiesce(const std::string& pool, TimePoint now, PoolActions& out);

  // Why no task of the pool can run here, as Busy says it; nothing when some can.
  std::optional<std::string> refusal(const std::string& pool) const;
  // The same for people.
  std::string explain(const std::string& pool) const;
  // Accepted tasks of the pool that have not ended.
  std::uint32_t demand(const std::string& pool) const;
  std::uint32_t capacity(const std::string& pool) const;

  // See PoolExecutors. REQUIRES: the pool refuses nothing.
  bool task_came(const std::string& pool, TimePoint now, PoolActions& out);
  void task_left(const std::string& pool, TimePoint now, PoolActions& out);
  std::optional<PoolExecutors::Taken> take(const std::string& pool);
  void release(PlaceId place, bool works, TimePoint now);
  // nullptr when it is not here.
  WarmCounters* counters(const std::string& pool);

  void executor_ready(PlaceId place, TimePoint now, PoolActions& out);
  void initialised(PlaceId place, const InitialiserEnd& end, TimePoint now, PoolActions& out);
  void executor_begun(PlaceId place, TimePoint now);
  void staging_failed(const std::string& pool, const std::string& reason, bool lasting,
                      TimePoint now, PoolActions& out);
  void staged(const std::string& pool, TimePoint now, PoolActions& out);
  void executor_lost(PlaceId place, const std::string& reason, TimePoint now, PoolActions& out);
  void executor_stopped(PlaceId place, TimePoint now, PoolActions& out);
  void template_ready(const std::string& pool, TimePoint now, PoolActions& out);
  void template_lost(const std::string& pool, const std::string& reason, TimePoint now,
                     PoolActions& out);

  void tick(TimePoint now, PoolActions& out);
  std::optional<TimePoint> next_deadline() const;

  std::vector<std::string> names() const;
  // Of a pool that is not here: cold, version 0.
  PoolOnNode status(const std::string& pool) const;
  PoolExecutors::Counts counts(const std::string& pool) const;
  std::uint32_t ready() const;  // executors of all pools
  // Nothing can run on the node at all.
  bool default_is_broken() const;

 private:
  PoolExecutors* find(const std::string& pool);
  const PoolExecutors* find(const std::string& pool) const;
  PoolExecutors* owner(PlaceId place);
  void drop_gone(PoolActions& out);

  const NodeFacts node_;
  const PoolPolicy policy_;
  PlaceId next_place_ = 0;
  std::map<std::string, PoolExecutors> pools_;
};

}  // namespace kiln::worker
