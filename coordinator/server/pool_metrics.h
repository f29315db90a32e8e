// The metrics of pools. Their names are labels here: the catalogue bounds them, and those of a
// deleted pool go.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/metrics/registry.h"
#include "coordinator/pools/types.h"

namespace kiln::coordinator {

class PoolMetrics {
 public:
  // `registry` must outlive it.
  explicit PoolMetrics(metrics::Registry& registry);

  // Sets the gauges of these pools, and takes out those of others.
  void observe(const std::vector<PoolView>& pools);

 private:
  struct Gauges {
    std::map<std::string, metrics::Gauge> nodes;  // by state
    metrics::Gauge wanted;
    metrics::Gauge min_warm;
    metrics::Gauge ready;
    metrics::Gauge busy;
    metrics::Gauge waiting;
  };

  Gauges make(const std::string& pool);
  void drop(const Gauges& gauges);

  metrics::Registry* registry_;
  metrics::Gauge pools_;
  std::map<std::string, Gauges> by_pool_;
};

}  // namespace kiln::coordinator
