#include "worker/server/worker_metrics.h"

#include <string_view>
#include <vector>

namespace kiln::worker {
namespace {

double from_us(std::uint64_t microseconds) {
  return static_cast<double>(microseconds) / 1e6;
}

using Words = std::vector<std::string_view>;

const Words kRefusalReasons = {"bad_lease",     "broken",       "cancelled",  "draining",
                               "lease_expired", "lease_in_use", "lease_used", "no_pool",
                               "no_slot",       "pool_broken",  "queue_full"};
const Words kOutcomes = {"exited",       "signalled", "time_limit",    "memory_limit",
                         "output_limit", "cancelled", "executor_lost", "not_started"};

metrics::Counter blob_counter(metrics::Registry& registry, const char* direction) {
  return registry.counter("kiln_worker_blob_bytes_total", "Bytes of blobs, as they travel",
                          {{"direction", direction}});
}

metrics::Counter cpu_counter(metrics::Registry& registry, const char* mode) {
  return registry.counter("kiln_worker_task_cpu_seconds_total", "CPU of tasks that ended",
                          {{"mode", mode}});
}

}  // namespace

WorkerMetrics::WorkerMetrics(metrics::Registry& registry)
    : refused_(registry, "kiln_worker_tasks_refused_total", "Tasks answered with BUSY", "reason",
               kRefusalReasons),
      completed_(registry, "kiln_worker_tasks_completed_total", "Tasks that ended, by how",
                 "outcome", kOutcomes),
      connections_refused_(registry, "kiln_worker_connections_refused_total",
                           "Connections that were not let in, by door", "door", {"task", "bulk"}),
      accepted_(registry.counter("kiln_worker_tasks_accepted_total", "Tasks accepted")),
      executors_lost_(registry.counter("kiln_worker_executors_lost_total",
                                       "Executors that died or could not be made")),
      dropped_(registry.counter("kiln_worker_messages_dropped_total",
                                "Messages that could not be read or have no place here")),
      result_bytes_(registry.counter("kiln_worker_result_bytes_total",
                                     "Bytes of results sent, as they travel")),
      blob_bytes_{blob_counter(registry, "from_agents"), blob_counter(registry, "from_peers"),
                  blob_counter(registry, "sent")},
      user_seconds_(cpu_counter(registry, "user")),
      system_seconds_(cpu_counter(registry, "system")),
      staging_(registry.histogram("kiln_worker_staging_seconds",
                                  "From the acceptance of a task to its staged trees",
                                  metrics::latency_buckets())),
      transfer_(registry.histogram("kiln_worker_task_transfer_seconds",
                                   "Of its staging, waiting for blobs",
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
                              metrics::latency_buckets())),
      return_(registry.histogram("kiln_worker_task_return_seconds",
                                 "From a complete result to its agent's word that it has it",
                                 metrics::latency_buckets())),
      max_rss_(registry.histogram("kiln_worker_task_max_rss_bytes",
                                  "Peak resident memory of a task's largest process",
                                  metrics::memory_buckets())) {}

void WorkerMetrics::staged(double seconds, double transfer_seconds) {
  staging_.observe(seconds);
  transfer_.observe(transfer_seconds);
}

void WorkerMetrics::refused(const std::string& reason) {
  refused_.with(reason).add();
}

void WorkerMetrics::ended(const TaskResult& result) {
  completed_.with(name(result.outcome)).add();
  queue_.observe(from_us(result.usage.queue_us));
  root_.observe(from_us(result.usage.root_us));
  run_.observe(from_us(result.usage.run_us));
  user_seconds_.add(from_us(result.usage.user_us));
  system_seconds_.add(from_us(result.usage.system_us));
  // Those that never ran have none.
  if (result.usage.max_rss_bytes > 0) {
    max_rss_.observe(static_cast<double>(result.usage.max_rss_bytes));
  }
}

}  // namespace kiln::worker
