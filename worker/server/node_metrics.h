// The node's metrics: its name, its disk, its load and speed, and this process. Read when somebody
// asks, on the thread that serves him, so that the reactor waits for no disk.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "common/base/time.h"
#include "common/metrics/process_metrics.h"
#include "common/metrics/registry.h"

namespace kiln::worker {

// Thread-safe.
class NodeMetrics {
 public:
  // The speed of a core, as measure_core_speed.
  using Speed = std::function<double()>;

  // `registry` must outlive it. `store`: where the blobs are. `speed` is asked at the first look,
  // and again where the last answer is ten minutes old: what a node can do changes with its heat
  // and with whom it shares a machine.
  NodeMetrics(metrics::Registry& registry, const std::string& node, std::filesystem::path store,
              Speed speed);

  // Of the registry, with these as they are now.
  std::string text(TimePoint now);

 private:
  void look_at_speed(TimePoint now);

  std::filesystem::path store_;
  Speed speed_;
  std::mutex speed_mutex_;
  std::optional<TimePoint> speed_known_;
  metrics::ProcessMetrics process_;
  metrics::Gauge store_free_;
  metrics::Gauge memory_available_;
  metrics::Gauge load_;
  metrics::Gauge core_speed_;
};

}  // namespace kiln::worker
