// What settles, what wakes, what breaks.
#include "tests/unit/worker/pools/pool_fixture.h"

namespace kiln::worker {
namespace {

TEST_F(PoolConformance, row_1_a_warm_wish_makes_so_many_executors_and_times_each_step) {
  settings_.initialises = true;
  configure();
  EXPECT_EQ(count<CreateExecutor>(), 0) << "cold until something wants it";
  warm(3);
  EXPECT_EQ(count<CreateExecutor>(), 3);
  EXPECT_EQ(state(), PoolState::warming);
  now_ += milliseconds(20);
  const auto made = places<CreateExecutor>();
  for (const auto place : made) pool_.executor_ready(place, now_, more());
  EXPECT_EQ(places<InitialiseExecutor>(), made);
  EXPECT_EQ(state(), PoolState::warming) << "not before they are initialised";
  now_ += milliseconds(300);
  for (const auto place : made) pool_.initialised(place, {true, "", "", 0}, now_, more());
  EXPECT_EQ(pool_.status().ready, 3U);
  std::vector<Duration> starts;
  std::vector<Duration> initialisations;
  for (const auto& action : last_) {
    const auto* step = std::get_if<WarmStepTook>(&action);
    if (step != nullptr)
      (step->step == WarmStep::start ? starts : initialisations).push_back(step->took);
  }
  EXPECT_EQ(starts, std::vector<Duration>(3, milliseconds(20)));
  EXPECT_EQ(initialisations, std::vector<Duration>(3, milliseconds(300)));
  EXPECT_EQ(pool_.status().start_us, 20'000U);
  EXPECT_EQ(pool_.status().initialise_us, 300'000U);
  warm(9);
  EXPECT_EQ(count<CreateExecutor>(), 1) << "as many as the pool may have";
}

TEST_F(PoolConformance, row_3_cold_pools_make_executors_at_the_first_tasks) {
  configure();
  EXPECT_EQ(state(), PoolState::cold);
  for (std::uint32_t i = 0; i < 6; ++i) task();
  EXPECT_EQ(pool_.status().starting, 4U) << "as many as tasks wait, but no more than it may have";
}

TEST_F(PoolConformance, row_3_a_burst_wakes_more_than_are_kept_ready) {
  settings_.keep_ready = 1;
  configure();
  EXPECT_EQ(count<CreateExecutor>(), 1);
  make_ready();
  task();
  EXPECT_EQ(count<CreateExecutor>(), 0);
  task();
  EXPECT_EQ(count<CreateExecutor>(), 1);
}

TEST_F(PoolConformance, row_24_quiesce_stops_idle_executors_and_others_after_their_task) {
  configure();
  warm(2);
  make_ready();
  task();
  const auto busy = pool_.take();
  ASSERT_TRUE(busy);
  quiesce();
  ASSERT_EQ(places<StopExecutor>().size(), 1U);
  EXPECT_NE(places<StopExecutor>()[0], busy->place);
  make_stopped();
  end(busy->place);
  EXPECT_EQ(places<StopExecutor>(), std::vector<PlaceId>{busy->place});
  make_stopped();
  EXPECT_EQ(state(), PoolState::quiesced);
  EXPECT_EQ(pool_.status().quiesces, 1U);
}

TEST_F(PoolConformance, row_24_quiesce_and_wake_are_idempotent_in_any_order) {
  settings_.capacity = 2;
  configure();
  warm(2);
  make_ready();
  for (int round = 0; round < 3; ++round) {
    quiesce();
    EXPECT_EQ(count<StopExecutor>(), 2);
    const auto stopping = places<StopExecutor>();
    quiesce();
    EXPECT_EQ(count<StopExecutor>(), 0);
    warm(2);
    warm(2);
    for (const auto place : stopping) pool_.executor_stopped(place, now_, more());
    make_ready();
    EXPECT_EQ(pool_.status().ready, 2U);
  }
  EXPECT_EQ(pool_.status().quiesces, 3U);
  EXPECT_EQ(pool_.status().wakes, 3U);
}

TEST_F(PoolConformance, row_24_a_task_that_comes_while_an_executor_stops_waits_for_the_next) {
  settings_.capacity = 1;
  configure();
  warm(1);
  make_ready();
  quiesce();
  const auto stopping = places<StopExecutor>();
  ASSERT_EQ(stopping.size(), 1U);
  task();
  EXPECT_FALSE(pool_.take());
  EXPECT_EQ(count<CreateExecutor>(), 0) << "the place is taken until that one is gone";
  pool_.executor_ready(stopping[0], now_, out());
  EXPECT_FALSE(pool_.take()) << "a late word of one that was told to stop";
  pool_.executor_stopped(stopping[0], now_, out());
  EXPECT_EQ(count<CreateExecutor>(), 1);
  make_ready();
  EXPECT_TRUE(pool_.take());
}

TEST_F(PoolConformance, row_24_a_quiesce_wish_wins_over_what_is_kept_ready_until_the_next_task) {
  settings_.keep_ready = 2;
  configure();
  make_ready();
  quiesce();
  EXPECT_EQ(count<StopExecutor>(), 2);
  make_stopped();
  settings_.keep_ready = 3;
  configure();
  EXPECT_EQ(count<CreateExecutor>(), 0);
  task();
  EXPECT_EQ(count<CreateExecutor>(), 3);
}

TEST_F(PoolConformance, row_24_what_tasks_wait_for_is_not_stopped) {
  configure();
  warm(3);
  make_ready();
  task();
  quiesce();
  EXPECT_EQ(count<StopExecutor>(), 2);
  EXPECT_TRUE(pool_.take()) << "the task was accepted before";
}

TEST_F(PoolConformance, row_25_idle_time_re_arms_with_every_result_and_fires_once) {
  settings_.idle = seconds(600);
  configure();
  warm(2);
  make_ready();
  for (int i = 0; i < 300; ++i) {
    advance(seconds(599));
    EXPECT_EQ(count<StopExecutor>(), 0);
    task();
    const auto taken = pool_.take();
    ASSERT_TRUE(taken);
    end(taken->place);
  }
  EXPECT_EQ(*pool_.next_deadline(), now_ + seconds(600));
  advance(seconds(600) - Duration(1));
  EXPECT_EQ(count<StopExecutor>(), 0) << "never early";
  advance(Duration(1));
  EXPECT_EQ(count<StopExecutor>(), 2);
  make_stopped();
  EXPECT_EQ(state(), PoolState::quiesced);
  for (int i = 0; i < 300; ++i) advance(seconds(1));
  EXPECT_EQ(pool_.status().quiesces, 1U);
  EXPECT_FALSE(pool_.next_deadline());
}

TEST_F(PoolConformance, row_25_a_pool_with_work_never_rests_and_rests_down_to_what_is_kept) {
  settings_.idle = seconds(1);
  settings_.keep_ready = 1;
  configure();
  make_ready();
  warm(3);
  make_ready();
  task();
  advance(seconds(3600));
  EXPECT_EQ(count<StopExecutor>(), 0) << "a task is queued";
  const auto taken = pool_.take();
  advance(seconds(3600));
  EXPECT_EQ(count<StopExecutor>(), 0) << "a task runs";
  end(taken->place);
  advance(seconds(1));
  EXPECT_EQ(count<StopExecutor>(), 2);
  EXPECT_EQ(state(), PoolState::ready);
}

TEST_F(PoolConformance, row_10_three_failures_of_the_initializer_in_a_row_break_the_pool) {
  settings_.initialises = true;
  settings_.capacity = 1;
  configure();
  task();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(count<CreateExecutor>(), 1) << i;
    make_ready();
    EXPECT_FALSE(pool_.broken());
    fail_initialiser(10);
    EXPECT_EQ(pool_.status().ready, 0U);
    if (i < 2) advance(seconds(1));
  }
  EXPECT_TRUE(pool_.broken());
  const auto status = pool_.status();
  EXPECT_EQ(status.state, PoolState::broken);
  EXPECT_EQ(status.reason, "step 1 exited with 3");
  EXPECT_EQ(status.output, "no licence");
  EXPECT_EQ(status.exit_code, 3);
  advance(seconds(3600));
  EXPECT_EQ(count<CreateExecutor>(), 0) << "until it is told to try again";
  warm(1);
  EXPECT_EQ(count<CreateExecutor>(), 1);
  EXPECT_FALSE(pool_.broken());
  make_ready();
  const PlaceId place = places<CreateExecutor>()[0];
  pool_.initialised(place, {true, "", "", 0}, now_, out());
  EXPECT_EQ(state(), PoolState::ready);
  EXPECT_EQ(pool_.status().reason, "");
}

TEST_F(PoolConformance, row_31_the_end_of_what_the_last_initializer_wrote_is_kept) {
  settings_.initialises = true;
  settings_.capacity = 1;
  configure();
  warm(1);
  make_ready();
  fail_initialiser(10);
  EXPECT_EQ(pool_.status().output, "no licence");
  advance(seconds(1));
  make_ready();
  pool_.initialised(10, {true, "", "licence found", 0}, now_, out());
  EXPECT_EQ(pool_.status().output, "licence found");
  task();
  pool_.executor_lost(pool_.take()->place, "killed by signal 9", now_, out());
  EXPECT_EQ(pool_.status().reason, "killed by signal 9");
  EXPECT_EQ(pool_.status().output, "licence found");
  settings_.recipe.init = {{"/bin/another"}};
  configure();
  EXPECT_EQ(pool_.status().output, "") << "of another initializer";
}

TEST_F(PoolConformance, row_10_a_success_ends_the_row_of_failures) {
  settings_.initialises = true;
  settings_.capacity = 1;
  configure();
  warm(1);
  for (int i = 0; i < 5; ++i) {
    for (int failure = 0; failure < 2; ++failure) {
      make_ready();
      fail_initialiser(10);
      advance(seconds(1));
    }
    make_ready();
    pool_.initialised(10, {true, "", "", 0}, now_, out());
    EXPECT_EQ(state(), PoolState::ready);
    quiesce();
    make_stopped();
    warm(1);
  }
}

TEST_F(PoolConformance, row_15_an_executor_that_dies_is_replaced_and_its_pool_goes_on) {
  configure();
  warm(2);
  make_ready();
  task();
  const auto taken = pool_.take();
  pool_.executor_lost(taken->place, "killed by signal 9", now_, out());
  EXPECT_EQ(pool_.status().crashes, 1U);
  EXPECT_EQ(pool_.status().ready, 1U);
  pool_.task_left(now_, out());
  advance(milliseconds(100));
  EXPECT_EQ(places<CreateExecutor>(), std::vector<PlaceId>{taken->place});
  make_ready();
  EXPECT_EQ(pool_.status().ready, 2U);
}

TEST_F(PoolConformance, row_12_the_initializer_runs_once_in_a_template) {
  settings_.initialises = true;
  settings_.recipe.context = PoolContext::fork;
  configure();
  warm(3);
  EXPECT_EQ(count<CreateTemplate>(), 1);
  EXPECT_EQ(count<CreateExecutor>(), 0);
  pool_.template_ready(now_, out());
  ASSERT_EQ(count<CreateExecutor>(), 1) << "one goes ahead";
  const auto first = places<CreateExecutor>()[0];
  pool_.executor_ready(first, now_, out());
  EXPECT_EQ(count<InitialiseExecutor>(), 1);
  pool_.initialised(first, {true, "", "", 0}, now_, out());
  EXPECT_EQ(count<CreateExecutor>(), 2);
  make_ready();
  EXPECT_EQ(count<InitialiseExecutor>(), 0);
  EXPECT_EQ(pool_.status().ready, 3U);
  quiesce();
  EXPECT_EQ(count<StopTemplate>(), 0) << "its executors first";
  const auto stopping = places<StopExecutor>();
  for (const auto place : stopping) pool_.executor_stopped(place, now_, more());
  EXPECT_EQ(count<StopTemplate>(), 1);
}

TEST_F(PoolConformance, row_16_three_deaths_of_the_template_in_a_row_break_the_pool) {
  settings_.recipe.context = PoolContext::fork;
  settings_.capacity = 1;
  configure();
  task();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(count<CreateTemplate>(), 1) << i;
    pool_.template_ready(now_, more());
    make_ready();
    const auto taken = pool_.take();
    ASSERT_TRUE(taken);
    pool_.executor_lost(taken->place, "killed with its template", now_, out());
    pool_.template_lost("killed by signal 9", now_, out());
    if (i < 2) advance(seconds(1));
  }
  EXPECT_TRUE(pool_.broken());
  EXPECT_EQ(pool_.status().reason, "killed by signal 9");
  advance(seconds(3600));
  EXPECT_EQ(count<CreateTemplate>(), 0);
  warm(1);
  EXPECT_EQ(count<CreateTemplate>(), 1);
}

TEST_F(PoolConformance, row_16_a_tasks_success_ends_the_row_of_deaths) {
  settings_.recipe.context = PoolContext::fork;
  settings_.capacity = 1;
  configure();
  warm(1);
  for (int i = 0; i < 10; ++i) {
    pool_.template_ready(now_, more());
    make_ready();
    task();
    const auto taken = pool_.take();
    ASSERT_TRUE(taken) << i;
    end(taken->place);
    pool_.executor_lost(taken->place, "killed with its template", now_, out());
    pool_.template_lost("killed by signal 9", now_, more());
    EXPECT_FALSE(pool_.broken());
    advance(seconds(1));
  }
}

TEST_F(PoolConformance, row_5_another_definition_gets_other_executors) {
  configure();
  warm(2);
  make_ready();
  task();
  const auto taken = pool_.take();
  settings_.recipe.init = {{"/bin/true"}};
  ++settings_.version;
  configure();
  EXPECT_EQ(count<StopExecutor>(), 1) << "the idle one";
  make_stopped();
  make_ready();
  end(taken->place);
  EXPECT_EQ(places<StopExecutor>(), std::vector<PlaceId>{taken->place});
}

TEST_F(PoolConformance, row_28_a_pool_that_is_not_wanted_here_ends_with_its_tasks) {
  configure();
  warm(2);
  make_ready();
  task();
  const auto taken = pool_.take();
  settings_.present = false;
  configure();
  EXPECT_EQ(count<StopExecutor>(), 1);
  make_stopped();
  EXPECT_FALSE(pool_.gone());
  end(taken->place);
  make_stopped();
  EXPECT_TRUE(pool_.gone());
}

TEST_F(PoolConformance, row_2_a_smaller_pool_gives_up_executors_without_losing_tasks) {
  configure();
  warm(4);
  make_ready();
  task();
  const auto taken = pool_.take();
  settings_.capacity = 1;
  configure();
  EXPECT_EQ(count<StopExecutor>(), 3);
  make_stopped();
  EXPECT_EQ(pool_.status().busy, 1U);
  EXPECT_EQ(taken->place, 10U);
}

TEST_F(PoolConformance, row_30_first_and_steady_tasks_hits_and_misses_are_counted) {
  configure();
  auto& counters = pool_.counters();
  EXPECT_TRUE(pool_.task_came(now_, out()));
  counters.task_started(false);
  counters.task_ended(true, milliseconds(500));
  pool_.task_left(now_, out());
  EXPECT_FALSE(pool_.task_came(now_, out()));
  counters.task_started(true);
  counters.task_ended(false, milliseconds(20));
  pool_.task_left(now_, out());
  const auto status = pool_.status();
  EXPECT_EQ(status.first_us, 500'000U);
  EXPECT_EQ(status.steady_us, 20'000U);
  EXPECT_EQ(status.warm_hits, 1U);
  EXPECT_EQ(status.warm_misses, 1U);
  quiesce();
  EXPECT_TRUE(pool_.task_came(now_, out())) << "the first one after a wake";
}

}  // namespace
}  // namespace kiln::worker
