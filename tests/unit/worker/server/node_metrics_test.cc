#include "worker/server/node_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::worker {
namespace {

using testing::HasSubstr;

TEST(NodeMetrics, tell_the_speed_that_was_measured_last) {
  metrics::Registry registry;
  NodeMetrics metrics(registry, "w0", "/");
  EXPECT_THAT(metrics.text(), HasSubstr("kiln_worker_core_speed_ratio 0\n")) << "not known yet";
  metrics.set_core_speed(0.5);
  EXPECT_THAT(metrics.text(), HasSubstr("kiln_worker_core_speed_ratio 0.5\n"));
}

}  // namespace
}  // namespace kiln::worker
