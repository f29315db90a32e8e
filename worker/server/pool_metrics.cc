#include "worker/server/pool_metrics.h"

#include <algorithm>
#include <utility>

namespace kiln::worker {

PoolMetrics::Kept& PoolMetrics::kept(const std::string& pool) {
  const auto found = kept_.find(pool);
  if (found != kept_.end()) return found->second;
  const auto times = [&](const char* name, const char* help) {
    return registry_.histogram(name, help, metrics::latency_buckets(), {{"pool", pool}});
  };
  const auto tasks = [&](const char* way) {
    return registry_.counter("kiln_pool_executed_tasks_total",
                             "Tasks that ran, by whether their program was held and forked",
                             {{"pool", pool}, {"way", way}});
  };
  const Kept fresh{
      times("kiln_pool_toolchain_stage_seconds",
            "From the wish for a toolchain until it is staged"),
      times("kiln_pool_executor_start_seconds", "Starting an executor"),
      times("kiln_pool_executor_initialise_seconds", "Running the initializer on an executor"),
      times("kiln_pool_queue_seconds", "From the acceptance of a task to its start, by pool"),
      tasks("forked"),
      tasks("executed")};
  return kept_.emplace(pool, fresh).first->second;
}

void PoolMetrics::ended(const std::string& pool, double queue_seconds, bool forked) {
  auto& counts = kept(pool);
  counts.queue.observe(queue_seconds);
  (forked ? counts.forked : counts.executed).add();
}

void PoolMetrics::executors(const std::string& pool, const char* state, std::uint32_t count) {
  registry_
      .gauge("kiln_pool_executors", "Executors of a pool by state",
             {{"pool", pool}, {"state", state}})
      .set(count);
}

void PoolMetrics::seconds_gauge(const char* name, const char* help, const std::string& pool,
                                std::uint64_t microseconds) {
  registry_.gauge(name, help, {{"pool", pool}}).set(static_cast<double>(microseconds) / 1e6);
}

// A pool that ends and comes again counts from zero: what it told before stays told.
void PoolMetrics::total(const char* name, const char* help, const std::string& pool,
                        std::uint64_t now, std::uint64_t& told) {
  const std::uint64_t before = std::exchange(told, now);
  const std::uint64_t more = now >= before ? now - before : now;
  registry_.counter(name, help, {{"pool", pool}}).add(static_cast<double>(more));
}

void PoolMetrics::publish(const PoolOnNode& pool) {
  kept(pool.name);  // there before the first event
  executors(pool.name, "starting", pool.starting);
  executors(pool.name, "ready", pool.ready);
  executors(pool.name, "busy", pool.busy);
  // What a pool that is broken or quiesced could have besides those that end their tasks is that.
  const bool broken = pool.state == PoolState::broken;
  const auto living = std::min(pool.executors, pool.starting + pool.ready + pool.busy);
  executors(pool.name, "broken", broken ? pool.executors - living : pool.broken);
  const bool quiesced = pool.state == PoolState::quiesced;
  executors(pool.name, "quiesced", quiesced ? pool.executors : 0);
  registry_
      .gauge("kiln_pool_fallback", "1: its programs are executed, though they should be forked",
             {{"pool", pool.name}})
      .set(pool.fallback.empty() ? 0 : 1);
  seconds_gauge("kiln_pool_stage_seconds", "Staging toolchains, last warm-up", pool.name,
                pool.stage_us);
  seconds_gauge("kiln_pool_start_seconds", "Starting the slowest executor, last warm-up", pool.name,
                pool.start_us);
  seconds_gauge("kiln_pool_initialise_seconds", "Initialising the slowest executor, last warm-up",
                pool.name, pool.initialise_us);
  seconds_gauge("kiln_pool_first_task_seconds", "First task after the last start or wake",
                pool.name, pool.first_us);
  seconds_gauge("kiln_pool_steady_task_seconds", "The last task that was not a first one",
                pool.name, pool.steady_us);
  registry_.gauge("kiln_pool_queue_depth", "Tasks that wait for an executor", {{"pool", pool.name}})
      .set(pool.queued);
  Told& told = told_[pool.name];
  total("kiln_pool_warm_hits_total", "Tasks that found executor and toolchain there", pool.name,
        pool.warm_hits, told.hits);
  total("kiln_pool_warm_misses_total", "Tasks that did not", pool.name, pool.warm_misses,
        told.misses);
  total("kiln_pool_quiesces_total", "Times that executors were stopped for want of work", pool.name,
        pool.quiesces, told.quiesces);
  total("kiln_pool_wakes_total", "Times that they were brought back", pool.name, pool.wakes,
        told.wakes);
  total("kiln_pool_crashes_total", "Executors and templates that died", pool.name, pool.crashes,
        told.crashes);
}

void PoolMetrics::publish_idle_memory(const std::string& pool, std::uint64_t bytes) {
  registry_
      .gauge("kiln_pool_idle_memory_bytes", "Resident memory of idle executors", {{"pool", pool}})
      .set(static_cast<double>(bytes));
}

void PoolMetrics::gone(const std::string& pool) {
  PoolOnNode none;
  none.name = pool;
  publish(none);
  publish_idle_memory(pool, 0);
}

}  // namespace kiln::worker
