// The coordinator's metrics by name. Label values come from fixed vocabularies, never from a peer's
// text, so that nobody can make their number grow.
#pragma once

#include <array>
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
  // `reason`: closed, silent, goodbye.
  void worker_lost(std::string_view reason);
  // By its kind, or as "other" when a coordinator does not expect any.
  void received(std::string_view kind);
  void sent(std::string_view kind);
  // A message that was dropped: malformed, version, unexpected, too_long, no_hello, wrong_key.
  void rejected(std::string_view reason);
  // A connection that was not let in, by Door and why_refused().
  void connection_refused(std::string_view door, std::string_view reason);
  void send_failed();
  // The definitions of pools could not be written to the disk.
  void pools_not_stored();
  // The gauges, from the scheduler's present state.
  void observe(const Scheduler& scheduler);

 private:
  metrics::Counter refused_at(std::string_view door, std::string_view reason);

  metrics::Registry& registry_;
  metrics::Histogram wait_seconds_;
  metrics::CounterFamily granted_;
  metrics::CounterFamily ended_;
  LeaseEnds ended_before_{};
  metrics::CounterFamily refused_;
  metrics::CounterFamily workers_lost_;
  metrics::CounterFamily received_;
  metrics::CounterFamily sent_;
  metrics::CounterFamily rejected_;
  metrics::Counter unsent_;
  metrics::Counter pools_not_stored_;
  std::array<metrics::Gauge, kNodeStates> nodes_;
  metrics::Gauge slots_;
  metrics::Gauge slots_free_;
  metrics::Gauge leases_;
  metrics::Gauge requests_waiting_;
  metrics::Gauge clients_;
  metrics::Gauge builds_;
};

}  // namespace kiln::coordinator
