#include "common/net/reactor.h"

#include <csignal>
#include <future>
#include <string>
#include <thread>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/unique_fd.h"
#include "tests/unit/common/net/loop.h"

namespace kiln::net {
namespace {

TEST(Reactor, timers_run_in_order_of_time_then_of_calling) {
  Loop loop;
  std::string order;
  const TimePoint start = loop->now();
  loop->call_at(start + milliseconds(4), [&] { order += 'd'; });
  loop->call_at(start + milliseconds(2), [&] { order += 'b'; });
  loop->call_at(start + milliseconds(2), [&] { order += 'c'; });
  loop->call_at(start - milliseconds(1), [&] { order += 'a'; });
  EXPECT_TRUE(loop.run_until([&] { return order.size() == 4; }));
  EXPECT_EQ(order, "abcd");
  EXPECT_GE(loop->now(), start + milliseconds(4));
}

TEST(Reactor, cancelled_timers_do_not_run) {
  Loop loop;
  bool ran = false;
  bool later = false;
  const TimerId first = loop->call_after(milliseconds(1), [&] { ran = true; });
  const TimerId second = loop->call_after(milliseconds(2), [&] { ran = true; });
  loop->cancel(first);
  loop->call_after(milliseconds(1), [&] { loop->cancel(second); });
  loop->call_after(milliseconds(5), [&] { later = true; });
  EXPECT_TRUE(loop.run_until([&] { return later; }));
  EXPECT_FALSE(ran);
}

TEST(Reactor, a_timer_that_sets_itself_again_does_not_keep_the_turn) {
  Loop loop;
  int rounds = 0;
  bool posted = false;
  std::function<void()> again = [&] {
    if (++rounds < 1000 && !posted) loop->call_after(Duration::zero(), again);
  };
  again();
  loop->post([&] { posted = true; });
  EXPECT_TRUE(loop.run_until([&] { return posted; }));
  EXPECT_LT(rounds, 10);
}

TEST(Reactor, posts_arrive_from_other_threads_in_order) {
  Loop loop;
  std::vector<int> got;
  std::thread poster([&] {
    for (int i = 0; i < 1000; ++i) loop->post([&got, i] { got.push_back(i); });
  });
  EXPECT_TRUE(loop.run_until([&] { return got.size() == 1000; }));
  poster.join();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(got.at(static_cast<std::size_t>(i)), i);
}

TEST(Reactor, stop_from_another_thread_ends_run_also_when_it_comes_first) {
  Loop loop;
  loop->stop();
  loop->run();
  std::thread stopper([&] { loop->stop(); });
  loop->run();
  stopper.join();
}

TEST(Reactor, descriptors_are_watched_until_unwatched) {
  Loop loop;
  const UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  int calls = 0;
  ASSERT_TRUE(loop->watch_fd(fd.get(), EPOLLIN, [&](std::uint32_t events) {
    EXPECT_TRUE(events & EPOLLIN);
    if (++calls == 3) loop->unwatch_fd(fd.get());  // from within its own handler
  }));
  ASSERT_EQ(::eventfd_write(fd.get(), 1), 0);
  bool later = false;
  loop->call_after(milliseconds(5), [&] { later = true; });
  EXPECT_TRUE(loop.run_until([&] { return later; }));
  EXPECT_EQ(calls, 3);
}

TEST(Reactor, a_bad_descriptor_is_an_error) {
  Loop loop;
  EXPECT_FALSE(loop->watch_fd(-1, EPOLLIN, [](std::uint32_t) {}));
}

TEST(Reactor, offloaded_work_runs_elsewhere_and_ends_here) {
  ThreadPool pool(2);
  Loop loop;
  const auto here = std::this_thread::get_id();
  std::thread::id worked;
  std::thread::id ended;
  loop->offload(
      pool, [&] { worked = std::this_thread::get_id(); },
      [&] { ended = std::this_thread::get_id(); });
  EXPECT_TRUE(loop.run_until([&] { return ended != std::thread::id(); }));
  EXPECT_NE(worked, here);
  EXPECT_EQ(ended, here);
}

TEST(Reactor, offloaded_work_may_outlive_the_reactor) {
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = held;
  std::promise<void> gate;
  bool ran = false;
  {
    ThreadPool pool(1);
    {
      Loop loop;
      loop->offload(
          pool, [&] { gate.get_future().wait(); }, [&ran, held] { ran = true; });
      held.reset();
    }
    gate.set_value();
  }
  EXPECT_FALSE(ran);
  EXPECT_TRUE(watch.expired());
}

TEST(Reactor, signals_arrive_as_calls) {
  Loop loop;
  int got = 0;
  ASSERT_TRUE(loop->watch_signals({SIGUSR1}, [&](int signal) { got = signal; }));
  EXPECT_EQ(loop->watch_signals({SIGUSR2}, [](int) {}).error().code, Errc::already_exists);
  ASSERT_EQ(::pthread_kill(::pthread_self(), SIGUSR1), 0);
  EXPECT_TRUE(loop.run_until([&] { return got == SIGUSR1; }));
}

}  // namespace
}  // namespace kiln::net
