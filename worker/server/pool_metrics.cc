#include "worker/server/pool_metrics.h"

#include <algorithm>
#include <utility>

namespace kiln::worker {
namespace {

struct Name {
  const char* name;
  const char* help;
};

constexpr Name kExecutors = {"kiln_pool_executors", "Executors of a pool by state"};
enum { starting_at, ready_at, busy_at, broken_at, quiesced_at };
constexpr std::array kStateNames = {"starting", "ready", "busy", "broken", "quiesced"};

constexpr Name kRan = {"kiln_pool_executed_tasks_total",
                       "Tasks that ran, by whether their program was held and forked"};
constexpr std::array kWayNames = {"forked", "executed"};

enum {
  fallback_at,
  queue_depth_at,
  last_stage_at,
  last_start_at,
  last_initialise_at,
  first_task_at,
  steady_task_at,
  idle_memory_at
};
constexpr std::array kGaugeNames = {
    Name{"kiln_pool_fallback", "1: its programs are executed, though they should be forked"},
    Name{"kiln_pool_queue_depth", "Tasks that wait for an executor"},
    Name{"kiln_pool_last_stage_seconds", "Staging toolchains, last warm-up"},
    Name{"kiln_pool_last_start_seconds", "Starting the slowest executor, last warm-up"},
    Name{"kiln_pool_last_initialise_seconds", "Initialising the slowest executor, last warm-up"},
    Name{"kiln_pool_first_task_seconds", "First task after the last start or wake"},
    Name{"kiln_pool_steady_task_seconds", "The last task that was not a first one"},
    Name{"kiln_pool_idle_memory_bytes", "Resident memory of idle executors"},
};

constexpr std::array kTotalNames = {
    Name{"kiln_pool_warm_hits_total", "Tasks that found executor and toolchain there"},
    Name{"kiln_pool_warm_misses_total", "Tasks that did not"},
    Name{"kiln_pool_quiesces_total", "Times that executors were stopped for want of work"},
    Name{"kiln_pool_wakes_total", "Times that they were brought back"},
    Name{"kiln_pool_crashes_total", "Executors and templates that died"},
};

enum { stage_at, start_at, initialise_at, queue_at };
constexpr std::array kTimeNames = {
    Name{"kiln_pool_toolchain_stage_seconds", "From the wish for a toolchain until it is staged"},
    Name{"kiln_pool_executor_start_seconds", "Starting an executor"},
    Name{"kiln_pool_executor_initialise_seconds", "Running the initializer on an executor"},
    Name{"kiln_pool_queue_seconds", "From the acceptance of a task to its start, by pool"},
};

double seconds_of(std::uint64_t microseconds) {
  return static_cast<double>(microseconds) / 1e6;
}

}  // namespace

PoolMetrics::Series PoolMetrics::make(const std::string& pool) {
  static_assert(kStates == kStateNames.size() && kWays == kWayNames.size());
  static_assert(kGauges == kGaugeNames.size() && kTotals == kTotalNames.size());
  static_assert(kTimes == kTimeNames.size());
  Series made;
  for (std::size_t i = 0; i < kStates; ++i) {
    made.executors[i] = registry_.gauge(kExecutors.name, kExecutors.help,
                                        {{"pool", pool}, {"state", kStateNames[i]}});
  }
  for (std::size_t i = 0; i < kWays; ++i) {
    made.ran[i] = registry_.counter(kRan.name, kRan.help, {{"pool", pool}, {"way", kWayNames[i]}});
  }
  for (std::size_t i = 0; i < kGauges; ++i) {
    made.gauges[i] = registry_.gauge(kGaugeNames[i].name, kGaugeNames[i].help, {{"pool", pool}});
  }
  for (std::size_t i = 0; i < kTotals; ++i) {
    made.totals[i] = registry_.counter(kTotalNames[i].name, kTotalNames[i].help, {{"pool", pool}});
  }
  for (std::size_t i = 0; i < kTimes; ++i) {
    made.times[i] = registry_.histogram(kTimeNames[i].name, kTimeNames[i].help,
                                        metrics::latency_buckets(), {{"pool", pool}});
  }
  return made;
}

void PoolMetrics::drop(const Series& series) {
  for (const auto& gauge : series.executors) {
    registry_.drop(kExecutors.name, kExecutors.help, gauge);
  }
  for (const auto& counter : series.ran) registry_.drop(kRan.name, kRan.help, counter);
  for (std::size_t i = 0; i < kGauges; ++i) {
    registry_.drop(kGaugeNames[i].name, kGaugeNames[i].help, series.gauges[i]);
  }
  for (std::size_t i = 0; i < kTotals; ++i) {
    registry_.drop(kTotalNames[i].name, kTotalNames[i].help, series.totals[i]);
  }
  for (std::size_t i = 0; i < kTimes; ++i) {
    registry_.drop(kTimeNames[i].name, kTimeNames[i].help, series.times[i]);
  }
}

PoolMetrics::Series& PoolMetrics::of(const std::string& pool) {
  const auto found = series_.find(pool);
  return found != series_.end() ? found->second : series_.emplace(pool, make(pool)).first->second;
}

void PoolMetrics::ended(const std::string& pool, double queue_seconds, bool forked) {
  auto& series = of(pool);
  series.times[queue_at].observe(queue_seconds);
  series.ran[forked ? 0 : 1].add();
}

void PoolMetrics::staged(const std::string& pool, double seconds) {
  of(pool).times[stage_at].observe(seconds);
}

void PoolMetrics::started(const std::string& pool, double seconds) {
  of(pool).times[start_at].observe(seconds);
}

void PoolMetrics::initialised(const std::string& pool, double seconds) {
  of(pool).times[initialise_at].observe(seconds);
}

void PoolMetrics::publish(const PoolOnNode& pool) {
  auto& series = of(pool.name);
  series.executors[starting_at].set(pool.starting);
  series.executors[ready_at].set(pool.ready);
  series.executors[busy_at].set(pool.busy);
  // What a pool that is broken or quiesced could have besides those that end their tasks is that.
  const bool is_broken = pool.state == PoolState::broken;
  const auto living = std::min(pool.executors, pool.starting + pool.ready + pool.busy);
  series.executors[broken_at].set(is_broken ? pool.executors - living : pool.broken);
  series.executors[quiesced_at].set(pool.state == PoolState::quiesced ? pool.executors : 0);
  series.gauges[fallback_at].set(pool.fallback.empty() ? 0 : 1);
  series.gauges[queue_depth_at].set(pool.queued);
  series.gauges[last_stage_at].set(seconds_of(pool.stage_us));
  series.gauges[last_start_at].set(seconds_of(pool.start_us));
  series.gauges[last_initialise_at].set(seconds_of(pool.initialise_us));
  series.gauges[first_task_at].set(seconds_of(pool.first_us));
  series.gauges[steady_task_at].set(seconds_of(pool.steady_us));
  const std::array<std::uint64_t, kTotals> totals = {pool.warm_hits, pool.warm_misses,
                                                     pool.quiesces, pool.wakes, pool.crashes};
  for (std::size_t i = 0; i < kTotals; ++i) {
    // A pool that ends and comes again at once counts from zero: what it told before stays told.
    const std::uint64_t before = std::exchange(series.told[i], totals[i]);
    const std::uint64_t more = totals[i] >= before ? totals[i] - before : totals[i];
    series.totals[i].add(static_cast<double>(more));
  }
}

void PoolMetrics::publish_idle_memory(const std::string& pool, std::uint64_t bytes) {
  of(pool).gauges[idle_memory_at].set(static_cast<double>(bytes));
}

void PoolMetrics::keep(const std::set<std::string>& pools) {
  std::erase_if(series_, [&](const auto& entry) {
    if (pools.contains(entry.first)) return false;
    drop(entry.second);
    return true;
  });
}

}  // namespace kiln::worker
