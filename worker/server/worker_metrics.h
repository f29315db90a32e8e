// The worker's metrics; docs/metrics.md lists them.
#pragma once

#include <string>

#include "common/metrics/registry.h"
#include "common/model/task.h"

namespace kiln::worker {

class WorkerMetrics {
 public:
  explicit WorkerMetrics(metrics::Registry& registry);

  void accepted() { accepted_.add(); }
  void refused(const std::string& reason);
  void ended(const TaskResult& result);
  void removed(double seconds) { removal_.observe(seconds); }
  // `transfer_seconds`: of these, in which it waited for blobs.
  void staged(double seconds, double transfer_seconds);
  // From its complete result to its agent's word that it has it.
  void returned(double seconds) { return_.observe(seconds); }
  void executor_lost() { executors_lost_.add(); }
  void message_dropped() { dropped_.add(); }
  // A connection that was not let in, by the door's name.
  void connection_refused(const std::string& door) { connections_refused_.with(door).add(); }
  void sent_result(double bytes) { result_bytes_.add(bytes); }

  // Bytes of blobs as they travel. Handles, as other threads count too.
  struct BlobBytes {
    metrics::Counter from_agents;
    metrics::Counter from_peers;
    metrics::Counter sent;
  };
  BlobBytes& blob_bytes() { return blob_bytes_; }

 private:
  metrics::CounterFamily refused_;
  metrics::CounterFamily completed_;
  metrics::CounterFamily connections_refused_;
  metrics::Counter accepted_;
  metrics::Counter executors_lost_;
  metrics::Counter dropped_;
  metrics::Counter result_bytes_;
  BlobBytes blob_bytes_;
  metrics::Counter user_seconds_;
  metrics::Counter system_seconds_;
  metrics::Histogram staging_;
  metrics::Histogram transfer_;
  metrics::Histogram queue_;
  metrics::Histogram root_;
  metrics::Histogram removal_;
  metrics::Histogram run_;
  metrics::Histogram return_;
  metrics::Histogram max_rss_;
};

}  // namespace kiln::worker
