#include "worker/server/worker_metrics.h"

#include <gmock/gmock.h>

namespace kiln::worker {
namespace {

using testing::HasSubstr;

TaskResult example_result() {
  TaskResult result;
  result.outcome = Outcome::exited;
  result.usage.user_us = 1'500'000;
  result.usage.system_us = 250'000;
  result.usage.max_rss_bytes = std::uint64_t{100} << 20U;
  return result;
}

TEST(WorkerMetrics, what_may_come_is_there_before_it_comes) {
  metrics::Registry registry;
  const WorkerMetrics metrics(registry);
  const std::string text = registry.text();
  for (const char* line : {
           "kiln_worker_tasks_completed_total{outcome=\"memory_limit\"} 0",
           "kiln_worker_tasks_refused_total{reason=\"pool_broken\"} 0",
           "kiln_worker_connections_refused_total{door=\"bulk\"} 0",
           "kiln_worker_blob_bytes_total{direction=\"from_peers\"} 0",
           "kiln_worker_task_cpu_seconds_total{mode=\"system\"} 0",
           "kiln_worker_task_return_seconds_count 0",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

// The vocabulary is written out, and must be that of the outcomes.
TEST(WorkerMetrics, each_outcome_is_in_the_vocabulary) {
  metrics::Registry registry;
  const WorkerMetrics metrics(registry);
  const std::string text = registry.text();
  for (int i = 0; i <= static_cast<int>(Outcome::not_started); ++i) {
    EXPECT_THAT(text, HasSubstr("{outcome=\"" + std::string(name(static_cast<Outcome>(i)))));
  }
}

TEST(WorkerMetrics, a_tasks_cpu_and_memory_are_counted) {
  metrics::Registry registry;
  WorkerMetrics metrics(registry);
  metrics.ended(example_result());
  metrics.ended(TaskResult{});  // never ran
  metrics.staged(2, 0.5);
  const std::string text = registry.text();
  for (const char* line : {
           "kiln_worker_task_cpu_seconds_total{mode=\"user\"} 1.5",
           "kiln_worker_task_cpu_seconds_total{mode=\"system\"} 0.25",
           "kiln_worker_task_max_rss_bytes_count 1",
           "kiln_worker_task_max_rss_bytes_bucket{le=\"67108864\"} 0",
           "kiln_worker_task_max_rss_bytes_bucket{le=\"134217728\"} 1",
           "kiln_worker_staging_seconds_sum 2",
           "kiln_worker_task_transfer_seconds_sum 0.5",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

}  // namespace
}  // namespace kiln::worker
