// Tasks of a library whose agent answers late, in any order, or never.
#include "client/library/core.h"

#include <atomic>
#include <future>
#include <set>
#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/unit/client/library/fake_agents.h"

namespace kiln::v1 {
namespace {

constexpr std::chrono::milliseconds kLong(20'000);

class CoreTest : public testing::Test {
 protected:
  void start(std::size_t max_pending = 65'536, Duration silence = seconds(20)) {
    Core::Setup setup;
    setup.open = [this] { return agent_.open(); };
    setup.max_pending = max_pending;
    setup.silence = silence;
    auto core = Core::start(std::move(setup));
    ASSERT_TRUE(core) << core.error().message;
    core_ = *core;
    owner_ = core_->new_owner();
  }
  ~CoreTest() override {
    if (core_) core_->close();
  }
  Future submit(const std::string& name = "job", TaskCallback callback = nullptr) {
    wire::SessionTask task;
    task.argv = {name};
    task.cwd = "/";
    return core_->submit(owner_, std::move(task), name, std::move(callback));
  }
  static const Error& error_of(const Future& future) {
    EXPECT_TRUE(future.wait_for(kLong));
    EXPECT_FALSE(future.get().ok());
    return future.get().error();
  }
  static const TaskResult& value_of(const Future& future) {
    EXPECT_TRUE(future.wait_for(kLong));
    EXPECT_TRUE(future.get().ok());
    return *future.get();
  }

  FakeAgents agent_;
  std::shared_ptr<Core> core_;
  Core::Owner owner_ = 0;
};

TEST_F(CoreTest, no_agent_is_an_error_at_once) {
  agent_.refuses = true;
  Core::Setup setup;
  setup.open = [this] { return agent_.open(); };
  const auto core = Core::start(std::move(setup));
  ASSERT_FALSE(core);
  EXPECT_EQ(core.error().failure, Failure::no_agent);
  EXPECT_EQ(core.error().message, "no agent today");
}

TEST_F(CoreTest, PoolConformance_row_13_results_reach_the_right_callers_whatever_the_order) {
  start();
  const Future first = submit("first");
  const Future second = submit("second");
  const auto one = agent_.next<wire::SessionTask>();
  const auto two = agent_.next<wire::SessionTask>();
  EXPECT_EQ(one.argv, std::vector<std::string>{"first"});
  EXPECT_FALSE(first.ready());
  agent_.exit_with(two.number, 2);
  EXPECT_EQ(value_of(second).exit_code, 2);
  EXPECT_FALSE(first.ready());
  agent_.exit_with(one.number, 1);
  EXPECT_EQ(value_of(first).exit_code, 1);
}

TEST_F(CoreTest, PoolConformance_row_14_a_failing_task_is_told_whole) {
  start();
  const Future future = submit("compile a.cc");
  const std::string out(300'000, 'o');
  const auto task = agent_.next<wire::SessionTask>();
  agent_.exit_with(task.number, 3, out, std::string("e\0r", 3));
  const TaskResult& result = value_of(future);
  EXPECT_FALSE(result.succeeded());
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.stdout_text, out);
  EXPECT_EQ(result.stderr_text, std::string("e\0r", 3));
  EXPECT_EQ(result.task, "compile a.cc");
  EXPECT_EQ(result.node, "w1");
  EXPECT_GT(result.timings.total.count(), 0);
}

TEST_F(CoreTest, PoolConformance_row_17_a_result_that_cannot_be_had_fails_only_its_own_task) {
  start();
  const Future bad = submit();
  const Future good = submit();
  agent_.fail_with(agent_.next<wire::SessionTask>().number, "result_invalid");
  agent_.exit_with(agent_.next<wire::SessionTask>().number, 0);
  EXPECT_EQ(error_of(bad).failure, Failure::result_invalid);
  EXPECT_TRUE(value_of(good).succeeded());
}

TEST_F(CoreTest, PoolConformance_row_18_a_queued_task_is_cancelled_without_being_sent) {
  agent_.tasks = 1;
  start();
  const Future running = submit();
  const Future queued = submit("queued");
  const auto task = agent_.next<wire::SessionTask>();
  queued.cancel();
  EXPECT_EQ(error_of(queued).failure, Failure::cancelled);
  EXPECT_EQ(error_of(queued).task, "queued");
  agent_.exit_with(task.number, 0);
  EXPECT_TRUE(value_of(running).succeeded());
  const Future last = submit("last");
  EXPECT_EQ(agent_.next<wire::SessionTask>().argv.front(), "last");
  core_->close();
  EXPECT_EQ(error_of(last).failure, Failure::closed);
}

TEST_F(CoreTest, PoolConformance_row_18_a_running_task_ends_when_the_agent_has_cancelled_it) {
  start();
  const Future future = submit();
  const auto task = agent_.next<wire::SessionTask>();
  future.cancel();
  EXPECT_EQ(agent_.next<wire::SessionCancel>().number, task.number);
  EXPECT_FALSE(future.ready());
  agent_.fail_with(task.number, "cancelled");
  EXPECT_EQ(error_of(future).failure, Failure::cancelled);
  future.cancel();  // too late is no harm
}

TEST_F(CoreTest, PoolConformance_row_20_what_a_task_wrote_before_its_time_limit_is_kept) {
  start();
  const Future future = submit("slow");
  agent_.fail_with(agent_.next<wire::SessionTask>().number, "time_limit", "half");
  EXPECT_EQ(error_of(future).failure, Failure::time_limit);
  EXPECT_EQ(error_of(future).stdout_text, "half");
  EXPECT_EQ(error_of(future).task, "slow");
}

TEST_F(CoreTest, PoolConformance_row_28_closing_ends_what_is_pending) {
  agent_.tasks = 1;
  start();
  const Future running = submit();
  const Future queued = submit();
  agent_.next<wire::SessionTask>();
  core_->close();
  EXPECT_EQ(error_of(running).failure, Failure::closed);
  EXPECT_EQ(error_of(queued).failure, Failure::closed);
  EXPECT_EQ(error_of(submit()).failure, Failure::closed);
}

TEST_F(CoreTest, PoolConformance_row_28_closing_one_pool_leaves_the_others_alone) {
  start();
  const Future own = submit("own");
  owner_ = core_->new_owner();
  const Future other = submit("other");
  const auto first = agent_.next<wire::SessionTask>();
  const auto second = agent_.next<wire::SessionTask>();
  core_->close_owner(1);
  EXPECT_TRUE(own.ready()) << "closing waits for it";
  EXPECT_EQ(error_of(own).failure, Failure::closed);
  EXPECT_EQ(agent_.next<wire::SessionCancel>().number, first.number);
  agent_.fail_with(first.number, "cancelled");  // nobody waits for it
  agent_.exit_with(second.number, 0);
  EXPECT_TRUE(value_of(other).succeeded());
}

TEST_F(CoreTest, PoolConformance_row_29_the_agents_death_ends_all_and_the_next_task_finds_another) {
  agent_.tasks = 1;
  start();
  const Future sent = submit("sent");
  const Future waiting = submit("waiting");
  agent_.next<wire::SessionTask>();
  agent_.die();
  EXPECT_EQ(error_of(sent).failure, Failure::agent_lost);
  EXPECT_EQ(error_of(sent).task, "sent");
  EXPECT_EQ(error_of(waiting).failure, Failure::agent_lost);
  EXPECT_EQ(core_->pending(), 0U);

  const Future next = submit("next");
  ASSERT_TRUE(agent_.wait_opened(2));
  const auto task = agent_.next<wire::SessionTask>();
  EXPECT_EQ(task.argv.front(), "next");
  agent_.exit_with(task.number, 0);
  EXPECT_TRUE(value_of(next).succeeded());
}

TEST_F(CoreTest, PoolConformance_row_29_an_agent_that_hangs_is_noticed) {
  start(10, milliseconds(400));
  const Future future = submit();
  agent_.next<wire::SessionTask>();
  EXPECT_EQ(agent_.next<wire::Ping>().number, 1U) << "it is asked first";
  EXPECT_EQ(error_of(future).failure, Failure::agent_lost);
}

TEST_F(CoreTest, an_agent_that_answers_may_take_its_time) {
  start(10, milliseconds(400));
  const Future future = submit();
  const auto task = agent_.next<wire::SessionTask>();
  for (int i = 0; i < 3; ++i) {
    agent_.next<wire::Ping>();
    agent_.say(wire::Pong{1});
  }
  EXPECT_FALSE(future.ready());
  agent_.exit_with(task.number, 0);
  EXPECT_TRUE(value_of(future).succeeded());
}

TEST_F(CoreTest, without_an_agent_tasks_fail_by_name) {
  start();
  agent_.refuses = true;
  agent_.die();
  while (true) {  // until the end of the connection has been noticed
    const auto failure = error_of(submit()).failure;
    if (failure == Failure::no_agent) break;
    ASSERT_EQ(failure, Failure::agent_lost);
  }
}

TEST_F(CoreTest, thousands_in_flight_from_one_thread) {
  constexpr int kTasks = 5000;
  agent_.tasks = 1000;
  start();
  std::vector<Future> futures;
  for (int i = 0; i < kTasks; ++i) futures.push_back(submit(std::to_string(i)));
  EXPECT_EQ(core_->pending(), 5000U);
  for (int i = 0; i < kTasks; ++i) {
    const auto task = agent_.next<wire::SessionTask>();
    ASSERT_EQ(task.argv.front(), std::to_string(i)) << "in the order of their coming";
    if (i >= 999) agent_.exit_with(task.number - 999, (i - 999) % 256);
  }
  for (std::uint64_t number = 4002; number <= 5000; ++number)
    agent_.exit_with(number, static_cast<int>((number - 1) % 256));
  for (int i = 0; i < kTasks; ++i) {
    ASSERT_EQ(value_of(futures[static_cast<std::size_t>(i)]).exit_code, i % 256);
  }
}

TEST_F(CoreTest, no_more_is_sent_than_the_agent_takes) {
  agent_.tasks = 2;
  start();
  for (int i = 0; i < 3; ++i) submit();
  const auto first = agent_.next<wire::SessionTask>();
  const auto second = agent_.next<wire::SessionTask>();
  wire::Command command;
  command.name = "pool";
  std::thread asks([&] { static_cast<void>(core_->command(command)); });
  agent_.next<wire::Command>();  // comes after all that can be sent
  EXPECT_TRUE(agent_.heard_all());
  agent_.say(wire::CommandReply{}, {"{}"});
  asks.join();
  agent_.exit_with(second.number, 0);
  EXPECT_EQ(agent_.next<wire::SessionTask>().number, first.number + 2);
}

TEST_F(CoreTest, beyond_the_bound_tasks_are_refused_at_once) {
  start(2);
  const Future first = submit();
  submit();
  const Future third = submit("third");
  EXPECT_TRUE(third.ready());
  EXPECT_EQ(error_of(third).failure, Failure::overloaded);
  EXPECT_EQ(error_of(third).task, "third");
  const auto task = agent_.next<wire::SessionTask>();
  agent_.exit_with(task.number, 0);
  value_of(first);
  EXPECT_FALSE(submit().ready()) << "there is room again";
}

TEST_F(CoreTest, a_task_without_argv_is_an_error) {
  start();
  EXPECT_EQ(error_of(core_->submit(owner_, {}, "", nullptr)).failure, Failure::invalid_argument);
}

TEST_F(CoreTest, callbacks_come_once_and_from_one_thread) {
  start();
  std::mutex mutex;
  std::set<std::thread::id> threads;
  std::atomic<int> calls = 0;
  std::promise<void> all;
  const auto note = [&](const Result<TaskResult>&) {
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
    if (++calls == 20) all.set_value();
  };
  for (int i = 0; i < 10; ++i) submit("job", note).then(note);
  for (int i = 0; i < 10; ++i) agent_.exit_with(agent_.next<wire::SessionTask>().number, 0);
  ASSERT_EQ(all.get_future().wait_for(kLong), std::future_status::ready);
  core_->close();
  EXPECT_EQ(calls, 20);
  EXPECT_EQ(threads.size(), 1U);
  EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
}

TEST_F(CoreTest, then_of_an_ended_task_calls_at_once) {
  start();
  const Future future = submit();
  agent_.exit_with(agent_.next<wire::SessionTask>().number, 5);
  value_of(future);
  int code = 0;
  future.then([&](const Result<TaskResult>& result) { code = result->exit_code; });
  EXPECT_EQ(code, 5);
}

TEST_F(CoreTest, what_a_callback_throws_is_dropped_and_counted) {
  start();
  const Future first = submit("job", [](const auto&) { throw std::runtime_error("oops"); });
  const Future second = submit();
  agent_.exit_with(agent_.next<wire::SessionTask>().number, 0);
  agent_.exit_with(agent_.next<wire::SessionTask>().number, 0);
  value_of(second);
  EXPECT_EQ(core_->dropped_exceptions(), 1U);
}

TEST_F(CoreTest, a_callback_may_submit_cancel_and_close) {
  start();
  std::promise<Future> submitted;
  submit("job", [&](const auto&) {
    const Future next = submit("next");
    next.cancel();
    core_->close_owner(owner_);
    core_->close();
    submitted.set_value(next);
  });
  agent_.exit_with(agent_.next<wire::SessionTask>().number, 0);
  auto future = submitted.get_future();
  ASSERT_EQ(future.wait_for(kLong), std::future_status::ready);
  const auto failure = error_of(future.get()).failure;
  EXPECT_TRUE(failure == Failure::cancelled || failure == Failure::closed) << name(failure);
}

TEST_F(CoreTest, commands_go_one_after_the_other_and_end_with_the_agent) {
  start();
  wire::Command command;
  command.name = "pool";
  auto first = std::async(std::launch::async, [&] { return core_->command(command); });
  agent_.next<wire::Command>();
  auto second = std::async(std::launch::async, [&] { return core_->command(command); });
  agent_.say(wire::CommandReply{"taken", "already_exists"}, {"{}"});
  const auto answer = first.get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().failure, Failure::pool_differs);
  EXPECT_EQ(answer.error().reason, "already_exists");
  agent_.next<wire::Command>();
  agent_.die();
  EXPECT_EQ(second.get().error().failure, Failure::agent_lost);
}

}  // namespace
}  // namespace kiln::v1
