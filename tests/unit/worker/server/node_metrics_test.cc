#include "worker/server/node_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::worker {
namespace {

using std::chrono::minutes;
using testing::HasSubstr;

TEST(NodeMetrics, speed_is_measured_at_the_first_look_and_when_it_is_old) {
  metrics::Registry registry;
  int asked = 0;
  NodeMetrics metrics(registry, "w0", "/", [&asked] { return ++asked * 0.5; });
  const TimePoint start{std::chrono::hours(1)};
  EXPECT_EQ(asked, 0);
  EXPECT_THAT(metrics.text(start), HasSubstr("kiln_worker_core_speed_ratio 0.5\n"));
  metrics.text(start + minutes(9));
  EXPECT_EQ(asked, 1);
  EXPECT_THAT(metrics.text(start + minutes(10)), HasSubstr("kiln_worker_core_speed_ratio 1\n"));
}

}  // namespace
}  // namespace kiln::worker
