// One thread that waits for everything: descriptors, timers, signals, sockets, and work that other
// threads hand in. All callbacks run on the thread that called run(); none may block or throw.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "common/base/result.h"
#include "common/base/thread_pool.h"
#include "common/base/time.h"

namespace kiln::net {

using TimerId = std::uint64_t;  // never 0

class Reactor {
 public:
  static Result<std::unique_ptr<Reactor>> create();
  // REQUIRES: run() has returned, and whatever watches or calls through this reactor is gone, but
  // for work under offload(), whose `done` is then dropped.
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // Serves until stop(). May be called again afterwards.
  void run();
  // Thread-safe. Ends run() after the current turn, or the next run() at once.
  void stop();

  // Calls `handler` with the ready EPOLL* bits while `fd` is ready (level-triggered unless `events`
  // has EPOLLET). Watching a descriptor again replaces its events and handler. The caller keeps
  // owning `fd` and calls unwatch_fd before closing it. Errors (EPERM for plain files) are given
  // back.
  Status watch_fd(int fd, std::uint32_t events, std::function<void(std::uint32_t)> handler);
  void unwatch_fd(int fd);

  // Each call runs once, in order of time, then of calling.
  TimerId call_at(TimePoint when, std::function<void()> fn);
  TimerId call_after(Duration delay, std::function<void()> fn);
  // No effect when it already ran.
  void cancel(TimerId timer);

  // Thread-safe: runs `fn` on the reactor's thread soon.
  void post(std::function<void()> fn);
  // From the reactor's thread only: runs `fn` before the reactor sleeps next, after descriptors and
  // timers had their turn.
  void defer(std::function<void()> fn);
  // Runs `work` on a thread of `pool`, then `done` on the reactor's thread. When the reactor is
  // gone by then, `done` is destroyed on the pool's thread without being called.
  void offload(ThreadPool& pool, std::function<void()> work, std::function<void()> done);

  // Blocks these signals in the calling thread (call it before any other thread is made) and gives
  // each that arrives to `fn`. Errc::already_exists when called twice.
  Status watch_signals(const std::vector<int>& signals, std::function<void(int)> fn);

  TimePoint now() const { return Clock::now(); }

 private:
  struct State;
  explicit Reactor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kiln::net
