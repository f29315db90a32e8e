// The metrics of pools; docs/metrics.md lists them. Their names are labels: series of a pool go
// with it, so that pools that come and go do not add up.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "common/metrics/registry.h"
#include "common/model/pool.h"

namespace kiln::worker {

// Not thread-safe, but for the registry.
class PoolMetrics {
 public:
  // `registry` must outlive it.
  explicit PoolMetrics(metrics::Registry& registry) : registry_(registry) {}

  // A task of the pool has ended that ran.
  void ended(const std::string& pool, double queue_seconds, bool forked);
  // One of its toolchains is staged, one of its executors has started, or is initialised.
  void staged(const std::string& pool, double seconds);
  void started(const std::string& pool, double seconds);
  void initialised(const std::string& pool, double seconds);
  // How the pool stands now.
  void publish(const PoolOnNode& pool);
  // Of the process trees of its idle executors.
  void publish_idle_memory(const std::string& pool, std::uint64_t bytes);
  // Others are no longer here.
  void keep(const std::set<std::string>& pools);

 private:
  static constexpr std::size_t kStates = 5;
  static constexpr std::size_t kWays = 2;
  static constexpr std::size_t kGauges = 8;
  static constexpr std::size_t kTotals = 5;
  static constexpr std::size_t kTimes = 4;
  struct Series {
    std::array<metrics::Gauge, kStates> executors;
    std::array<metrics::Counter, kWays> ran;
    std::array<metrics::Gauge, kGauges> gauges;
    std::array<metrics::Counter, kTotals> totals;
    std::array<std::uint64_t, kTotals> told{};  // by the totals so far
    std::array<metrics::Histogram, kTimes> times;
  };
  Series& of(const std::string& pool);
  Series make(const std::string& pool);
  void drop(const Series& series);

  metrics::Registry& registry_;
  std::map<std::string, Series> series_;
};

}  // namespace kiln::worker
