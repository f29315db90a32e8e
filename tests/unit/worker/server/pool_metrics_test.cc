#include "worker/server/pool_metrics.h"

#include <gmock/gmock.h>

namespace kiln::worker {
namespace {

using testing::HasSubstr;
using testing::Not;

PoolOnNode example() {
  PoolOnNode pool;
  pool.name = "p";
  pool.state = PoolState::ready;
  pool.executors = 6;
  pool.starting = 1;
  pool.ready = 2;
  pool.busy = 1;
  pool.broken = 2;
  pool.queued = 3;
  pool.stage_us = 1'500'000;
  pool.warm_hits = 5;
  pool.quiesces = 1;
  return pool;
}

TEST(PoolMetrics, row_30_each_pool_is_described_by_metrics) {
  metrics::Registry registry;
  PoolMetrics metrics(registry);
  metrics.publish(example());
  metrics.ended("p", 0.25, true);
  metrics.staged("p", 2);
  metrics.started("p", 0.01);
  metrics.started("p", 0.02);
  metrics.initialised("p", 30);
  metrics.publish_idle_memory("p", 4096);
  const std::string text = registry.text();
  for (const char* line : {
           "kiln_pool_executors{pool=\"p\",state=\"starting\"} 1",
           "kiln_pool_executors{pool=\"p\",state=\"ready\"} 2",
           "kiln_pool_executors{pool=\"p\",state=\"busy\"} 1",
           "kiln_pool_executors{pool=\"p\",state=\"broken\"} 2",
           "kiln_pool_executors{pool=\"p\",state=\"quiesced\"} 0",
           "kiln_pool_fallback{pool=\"p\"} 0",
           "kiln_pool_last_stage_seconds{pool=\"p\"} 1.5",
           "kiln_pool_last_start_seconds{pool=\"p\"} 0",
           "kiln_pool_last_initialise_seconds{pool=\"p\"} 0",
           "kiln_pool_first_task_seconds{pool=\"p\"} 0",
           "kiln_pool_toolchain_stage_seconds_sum{pool=\"p\"} 2",
           "kiln_pool_executor_start_seconds_count{pool=\"p\"} 2",
           "kiln_pool_executor_initialise_seconds_sum{pool=\"p\"} 30",
           "kiln_pool_steady_task_seconds{pool=\"p\"} 0",
           "kiln_pool_warm_hits_total{pool=\"p\"} 5",
           "kiln_pool_warm_misses_total{pool=\"p\"} 0",
           "kiln_pool_quiesces_total{pool=\"p\"} 1",
           "kiln_pool_wakes_total{pool=\"p\"} 0",
           "kiln_pool_crashes_total{pool=\"p\"} 0",
           "kiln_pool_queue_depth{pool=\"p\"} 3",
           "kiln_pool_queue_seconds_count{pool=\"p\"} 1",
           "kiln_pool_executed_tasks_total{pool=\"p\",way=\"forked\"} 1",
           "kiln_pool_idle_memory_bytes{pool=\"p\"} 4096",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(PoolMetrics, row_30_executors_that_a_pool_has_no_more_are_counted_by_its_state) {
  metrics::Registry registry;
  PoolMetrics metrics(registry);
  PoolOnNode pool;
  pool.name = "p";
  pool.executors = 6;
  const auto told = [&](PoolState state) {
    pool.state = state;
    metrics.publish(pool);
    return registry.text();
  };
  const std::string quiesced = told(PoolState::quiesced);
  EXPECT_THAT(quiesced, HasSubstr("kiln_pool_executors{pool=\"p\",state=\"quiesced\"} 6"));
  EXPECT_THAT(quiesced, HasSubstr("kiln_pool_executors{pool=\"p\",state=\"broken\"} 0"));
  const std::string broken = told(PoolState::broken);
  EXPECT_THAT(broken, HasSubstr("kiln_pool_executors{pool=\"p\",state=\"quiesced\"} 0"));
  EXPECT_THAT(broken, HasSubstr("kiln_pool_executors{pool=\"p\",state=\"broken\"} 6"));
}

TEST(PoolMetrics, row_30_a_forkserver_that_only_executes_is_marked) {
  metrics::Registry registry;
  PoolMetrics metrics(registry);
  auto pool = example();
  pool.fallback = "/bin/static: static program";
  metrics.publish(pool);
  EXPECT_THAT(registry.text(), HasSubstr("kiln_pool_fallback{pool=\"p\"} 1"));
}

TEST(PoolMetrics, row_30_totals_of_a_pool_that_came_again_go_on) {
  metrics::Registry registry;
  PoolMetrics metrics(registry);
  auto pool = example();
  metrics.publish(pool);
  pool.warm_hits = 7;
  metrics.publish(pool);
  EXPECT_THAT(registry.text(), HasSubstr("kiln_pool_warm_hits_total{pool=\"p\"} 7"));
  pool.warm_hits = 2;
  metrics.publish(pool);
  EXPECT_THAT(registry.text(), HasSubstr("kiln_pool_warm_hits_total{pool=\"p\"} 9"));
}

TEST(PoolMetrics, row_30_pools_that_come_and_go_leave_no_series) {
  metrics::Registry registry;
  PoolMetrics metrics(registry);
  auto pool = example();
  metrics.publish(pool);
  const auto one = registry.text().size();
  for (int i = 0; i < 20; ++i) {
    pool.name = "branch" + std::to_string(i);
    metrics.publish(pool);
    metrics.ended(pool.name, 1, false);
    metrics.staged(pool.name, 1);
    metrics.publish_idle_memory(pool.name, 4096);
    metrics.keep({"p"});
  }
  EXPECT_THAT(registry.text(), Not(HasSubstr("branch")));
  EXPECT_EQ(registry.text().size(), one);
  pool.name = "p";
  metrics.ended("p", 1, true);
  EXPECT_THAT(registry.text(), HasSubstr("kiln_pool_queue_seconds_count{pool=\"p\"} 1"));
}

}  // namespace
}  // namespace kiln::worker
