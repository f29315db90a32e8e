// The metrics of pools; docs/metrics.md lists them.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/metrics/registry.h"
#include "common/model/pool.h"

namespace kiln::worker {

class PoolMetrics {
 public:
  // `registry` must outlive it.
  explicit PoolMetrics(metrics::Registry& registry) : registry_(registry) {}

  // A task of the pool has ended that ran.
  void ended(const std::string& pool, double queue_seconds, bool forked);
  // One of its toolchains is staged, one of its executors has started, or is initialised.
  void staged(const std::string& pool, double seconds) { kept(pool).stage.observe(seconds); }
  void started(const std::string& pool, double seconds) { kept(pool).start.observe(seconds); }
  void initialised(const std::string& pool, double seconds) {
    kept(pool).initialise.observe(seconds);
  }
  // How the pool stands now.
  void publish(const PoolOnNode& pool);
  // Of the process trees of its idle executors.
  void publish_idle_memory(const std::string& pool, std::uint64_t bytes);
  // The pool is no longer here: its gauges go to zero.
  void gone(const std::string& pool);

 private:
  struct Told {  // so far, as totals
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t quiesces = 0;
    std::uint64_t wakes = 0;
    std::uint64_t crashes = 0;
  };
  // Those to which events are added.
  struct Kept {
    metrics::Histogram stage;
    metrics::Histogram start;
    metrics::Histogram initialise;
    metrics::Histogram queue;
    metrics::Counter forked;
    metrics::Counter executed;
  };
  Kept& kept(const std::string& pool);
  void executors(const std::string& pool, const char* state, std::uint32_t count);
  void seconds_gauge(const char* name, const char* help, const std::string& pool,
                     std::uint64_t microseconds);
  void total(const char* name, const char* help, const std::string& pool, std::uint64_t now,
             std::uint64_t& told);

  metrics::Registry& registry_;
  std::map<std::string, Told> told_;
  std::map<std::string, Kept> kept_;
};

}  // namespace kiln::worker
