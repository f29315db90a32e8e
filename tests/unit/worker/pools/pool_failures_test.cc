// What counts as a failure of a pool, and what does not.
#include "tests/unit/worker/pools/pool_fixture.h"

namespace kiln::worker {
namespace {

TEST_F(PoolConformance, row_3_waiting_for_files_is_neither_a_strike_nor_a_step_of_the_start) {
  settings_.initialises = true;
  configure();
  warm(2);
  const auto made = places<CreateExecutor>();
  for (int tries = 0; tries < 9; ++tries) {
    now_ += seconds(30);
    pool_.staging_failed("no other node has it", false, now_, out());
    EXPECT_EQ(count<StopExecutor>(), 0);
  }
  EXPECT_EQ(state(), PoolState::warming) << "other nodes may yet get it";
  EXPECT_EQ(pool_.reason(), "no other node has it");
  pool_.staged(now_, out());
  EXPECT_EQ(pool_.reason(), "");
  for (const auto place : made) pool_.executor_begun(place, now_);
  now_ += milliseconds(20);
  for (const auto place : made) pool_.executor_ready(place, now_, more());
  EXPECT_EQ(pool_.status().start_us, 20'000U) << "from when it could be made";
  EXPECT_EQ(places<InitialiseExecutor>(), made);
}

TEST_F(PoolConformance, row_28_tasks_do_not_wait_for_files_that_fail_for_good) {
  settings_.initialises = true;
  configure();
  task();
  pool_.staging_failed("the store is full", true, now_, out());
  EXPECT_FALSE(pool_.broken()) << "it is tried again";
  now_ += PoolPolicy{}.staging_patience;
  pool_.staging_failed("the store is full", true, now_, out());
  EXPECT_TRUE(pool_.broken());
  EXPECT_EQ(pool_.reason(), "the store is full");
  EXPECT_EQ(pool_.counts().starting, 1U) << "it still waits, and will serve when they come";
  pool_.staged(now_, out());
  EXPECT_FALSE(pool_.broken());
}

TEST_F(PoolConformance, row_28_files_that_others_may_yet_get_are_waited_for_again) {
  configure();
  task();
  pool_.staging_failed("nobody answers", true, now_, out());
  now_ += seconds(40);
  pool_.staging_failed("no other node has it", false, now_, out());
  now_ += seconds(40);
  pool_.staging_failed("nobody answers", true, now_, out());
  EXPECT_FALSE(pool_.broken());
}

TEST_F(PoolConformance, row_10_executors_that_fail_together_are_one_strike) {
  settings_.initialises = true;
  configure();
  warm(4);
  auto round = places<CreateExecutor>();
  ASSERT_EQ(round.size(), 4U);
  for (int strike = 1; strike <= 3; ++strike) {
    EXPECT_FALSE(pool_.broken()) << strike;
    for (const auto place : round) pool_.executor_ready(place, now_, out());
    now_ += milliseconds(10);
    for (const auto place : round) {
      fail_initialiser(place);
      now_ += milliseconds(1);
    }
    if (strike == 3) break;
    advance(seconds(1));
    EXPECT_EQ(places<CreateExecutor>(), round) << strike;
  }
  EXPECT_TRUE(pool_.broken());
}

}  // namespace
}  // namespace kiln::worker
