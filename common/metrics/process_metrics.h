// What this process uses, under the names that Prometheus' own client libraries give it.
#pragma once

#include <mutex>

#include "common/metrics/registry.h"

namespace kiln::metrics {

// Read from /proc when it is asked for, so that nothing is read while nobody scrapes. Thread-safe.
class ProcessMetrics {
 public:
  // `registry` must outlive it.
  explicit ProcessMetrics(Registry& registry);

  void refresh();
  // Of the registry, with these as they are now.
  std::string text();

 private:
  Registry* registry_;
  std::mutex mutex_;
  Counter cpu_seconds_;
  Gauge resident_bytes_;
  Gauge open_files_;
  Gauge max_files_;
  Gauge start_seconds_;
};

}  // namespace kiln::metrics
