// The node's metrics: its name, its disk, its load and speed, and this process. But for the speed
// they are read when somebody asks, on the thread that serves him, so that the reactor waits for no
// disk.
#pragma once

#include <filesystem>
#include <string>

#include "common/metrics/process_metrics.h"
#include "common/metrics/registry.h"

namespace kiln::worker {

// Thread-safe.
class NodeMetrics {
 public:
  // `registry` must outlive it. `store`: where the blobs are.
  NodeMetrics(metrics::Registry& registry, const std::string& node, std::filesystem::path store);

  // Of a core, as measure_core_speed.
  void set_core_speed(double ratio) { core_speed_.set(ratio); }

  // Of the registry, with these as they are now.
  std::string text();

 private:
  std::filesystem::path store_;
  metrics::ProcessMetrics process_;
  metrics::Gauge store_free_;
  metrics::Gauge memory_available_;
  metrics::Gauge load_;
  metrics::Gauge core_speed_;
};

}  // namespace kiln::worker
