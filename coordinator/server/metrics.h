// The coordinator's metrics by name. Label values come from fixed vocabularies, never from a peer's
// text, so that nobody can make their number grow.
#pragma once

#include <string_view>

#include "common/base/error.h"
#include "common/metrics/registry.h"
#include "coordinator/scheduling/scheduler.h"

namespace kiln::coordinator {

class Metrics {
 public:
  explicit Metrics(metrics::Registry& registry);

  void granted(const LeasesGranted& grant);
  void refused(Errc code);
  // `reason`: closed, silent, restarted, goodbye.
  void worker_lost(std::string_view reason);
  void received(std::string_view kind);
  void sent(std::string_view kind);
  // A message that was dropped: malformed, version, unexpected, too_long, no_hello.
  void rejected(std::string_view reason);
  void send_failed();
  // The gauges, from the scheduler's present state.
  void observe(const Scheduler& scheduler, const std::vector<NodeView>& nodes);

 private:
  metrics::Registry& registry_;
  metrics::Histogram wait_seconds_;
};

}  // namespace kiln::coordinator
