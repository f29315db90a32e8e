#include "worker/server/worker_metrics.h"

namespace kiln::worker {
namespace {

double from_us(std::uint64_t microseconds) {
  return static_cast<double>(microseconds) / 1e6;
}

}  // namespace

WorkerMetrics::WorkerMetrics(metrics::Registry& registry)
    : refused_(registry, "kiln_worker_tasks_refused_total", "Tasks answered with BUSY", "reason"),
      completed_(registry, "kiln_worker_tasks_completed_total", "Tasks that ended, by how",
                 "outcome"),
      connections_refused_(registry, "kiln_worker_connections_refused_total",
                           "Connections that were not let in, by door", "door"),
      accepted_(registry.counter("kiln_worker_tasks_accepted_total", "Tasks accepted")),
      executors_lost_(registry.counter("kiln_worker_executors_lost_total",
                                       "Executors that died or could not be made")),
      dropped_(registry.counter("kiln_worker_messages_dropped_total",
                                "Messages that could not be read or have no place here")),
      result_bytes_(registry.counter("kiln_worker_result_bytes_total",
                                     "Bytes of results sent, as they travel")),
      staging_(registry.histogram("kiln_worker_staging_seconds",
                                  "From the acceptance of a task to its staged trees",
                                  metrics::latency_buckets())),
      queue_(registry.histogram("kiln_worker_task_queue_seconds",
                                "From the acceptance of a task to its start",
                                metrics::latency_buckets())),
      root_(registry.histogram("kiln_worker_task_root_seconds",
                               "What the root adds to a task: from its request to exec, and from "
                               "exit to its processes' end",
                               metrics::latency_buckets())),
      removal_(registry.histogram("kiln_worker_root_removal_seconds",
                                  "Removing what a task left on the disk, after its result is sent",
                                  metrics::latency_buckets())),
      run_(registry.histogram("kiln_worker_task_run_seconds", "From exec to exit",
                              metrics::latency_buckets())) {}

void WorkerMetrics::refused(const std::string& reason) {
  refused_.with(reason).add();
}

void WorkerMetrics::ended(const TaskResult& result) {
  completed_.with(name(result.outcome)).add();
  queue_.observe(from_us(result.usage.queue_us));
  root_.observe(from_us(result.usage.root_us));
  run_.observe(from_us(result.usage.run_us));
}

}  // namespace kiln::worker
