#include "coordinator/live/series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::coordinator {
namespace {

using testing::Optional;

FarmSnapshot farm(std::uint64_t epoch, std::uint64_t completed, std::uint32_t running = 0,
                  NodeState state = NodeState::ready) {
  auto info = std::make_shared<NodeInfo>();
  info->name = "w1";
  info->epoch = epoch;
  auto occupancy = std::make_shared<Occupancy>();
  occupancy->completed = completed;
  occupancy->running = running;
  FarmSnapshot snapshot;
  snapshot.nodes.push_back({info, occupancy, state, {}, 0});
  snapshot.waiting_requests = 2;
  return snapshot;
}

TEST(Series, tells_what_was_completed_from_step_to_step) {
  Series series;
  series.add(1, farm(1, 100, 3), {});
  series.add(2, farm(1, 107), {});
  series.add(3, farm(2, 4), {});
  series.add(4, farm(2, 5), {});
  const auto& points = series.points();
  ASSERT_EQ(points.size(), 4U);
  EXPECT_EQ(points[0].completed, 0U) << "what came before is of no step";
  EXPECT_EQ(points[0].running, 3U);
  EXPECT_EQ(points[0].waiting, 2U);
  EXPECT_EQ(points[1].completed, 7U);
  EXPECT_EQ(points[2].completed, 0U) << "the worker began anew";
  EXPECT_EQ(points[3].completed, 1U);
}

TEST(Series, a_lost_node_runs_nothing) {
  Series series;
  series.add(1, farm(1, 0, 5, NodeState::lost), {});
  EXPECT_EQ(series.points().front().running, 0U);
}

TEST(Series, quantiles_are_of_the_steps_own_tasks) {
  Series series;
  std::vector<Duration> times;
  for (int i = 100; i > 0; --i) times.push_back(milliseconds(i));
  series.add(1, farm(1, 0), times);
  series.add(2, farm(1, 0), {});
  EXPECT_THAT(series.points()[0].median, Optional(milliseconds(51)));
  EXPECT_THAT(series.points()[0].p95, Optional(milliseconds(96)));
  EXPECT_FALSE(series.points()[1].median);
}

TEST(Series, keeps_the_last_points) {
  Series series(2);
  for (std::uint64_t look = 1; look <= 3; ++look) series.add(look, farm(1, 0), {});
  ASSERT_EQ(series.points().size(), 2U);
  EXPECT_EQ(series.points().front().look, 2U);
}

}  // namespace
}  // namespace kiln::coordinator
