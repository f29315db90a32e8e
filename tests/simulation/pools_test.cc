// What must hold of pools in every run of the farm, whatever the seed.
#include <cstdint>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/simulation/model_farm.h"
#include "tests/simulation/seeds.h"

namespace kiln::simulation {
namespace {

ClientPlan plan(const std::string& pool) {
  ClientPlan out;
  out.tasks = 150;
  out.parallel = 12;
  out.toolchain = digest_of("gcc");
  out.pool = pool;
  return out;
}

Scenario with_pools(std::uint64_t seed) {
  Scenario scenario;
  scenario.seed = seed;
  scenario.coordinators = 3;
  scenario.workers = 12;
  scenario.slots = 4;
  scenario.clients = {plan("steady"), plan("steady"), plan("default"), plan("default")};
  scenario.pool_change = milliseconds(400);
  scenario.calm = TimePoint(seconds(40));
  scenario.end = TimePoint(seconds(300));
  return scenario;
}

void expect_sound_pools(const Outcome& outcome) {
  EXPECT_EQ(outcome.violations, 0U) << "a lease was on a node that its pool does not select";
  EXPECT_EQ(outcome.overdue, 0U) << "a request had no end in time";
  EXPECT_EQ(outcome.unfinished, 0U) << "clients did not finish their work";
  EXPECT_THAT(outcome.pool_problems, testing::IsEmpty());
  EXPECT_GT(outcome.pool_changes, 20U);
}

TEST(PoolSimulation, changes_at_random_end_with_all_agreeing) {
  for (const auto seed : seeds(3)) {
    SCOPED_TRACE(replay(seed));
    const auto outcome = ModelFarm(with_pools(seed)).run();
    expect_sound_pools(outcome);
    EXPECT_EQ(outcome.local, 0U);
  }
}

TEST(PoolSimulation, pools_converge_in_spite_of_losses_crashes_and_lost_disks) {
  for (const auto seed : seeds(8)) {
    SCOPED_TRACE(replay(seed));
    auto scenario = with_pools(seed);
    scenario.faults = {0.01, 0.01, std::chrono::microseconds(100), milliseconds(200)};
    scenario.worker_crash = seconds(3);
    scenario.client_crash = seconds(10);
    scenario.coordinator_crash = seconds(8);
    expect_sound_pools(ModelFarm(scenario).run());
  }
}

}  // namespace
}  // namespace kiln::simulation
