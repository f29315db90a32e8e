#include "common/net/reactor.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/unique_fd.h"

namespace kiln::net {
namespace {

using Handler = std::function<void(std::uint32_t)>;
using Work = std::function<void()>;

// What other threads hand in. Shared with their work, so that it may outlive the reactor.
class Inbox {
 public:
  explicit Inbox(UniqueFd wake) : wake_(std::move(wake)) {}

  int fd() const { return wake_.get(); }

  // Destroys `work` instead once the inbox is closed.
  void put(Work work) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    work_.push_back(std::move(work));
    if (work_.size() == 1) wake();
  }

  std::vector<Work> take() {
    std::uint64_t count = 0;
    (void)!::read(wake_.get(), &count, sizeof count);
    const std::lock_guard lock(mutex_);
    return std::exchange(work_, {});
  }

  void close() {
    std::vector<Work> dropped;
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(work_);
  }

  void wake() {
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);
  }

 private:
  UniqueFd wake_;
  std::mutex mutex_;
  std::vector<Work> work_;
  bool closed_ = false;
};

}  // namespace

struct Reactor::State {
  UniqueFd epoll;
  std::shared_ptr<Inbox> inbox;
  std::atomic<bool> stopping = false;
  std::unordered_map<int, std::shared_ptr<Handler>> handlers;
  std::map<std::pair<TimePoint, TimerId>, Work> timers;
  std::unordered_map<TimerId, TimePoint> timer_times;
  TimerId last_timer = 0;
  std::vector<Work> deferred;
  UniqueFd signals;

  void turn();
  void run_timers();
  void run_deferred();
  int timeout_ms() const;
};

// Round up: waking before a timer is due would spin.
int Reactor::State::timeout_ms() const {
  if (!deferred.empty() || stopping) return 0;
  if (timers.empty()) return -1;
  const Duration left = timers.begin()->first.first - Clock::now();
  const auto ms = std::chrono::ceil<milliseconds>(left).count();
  return static_cast<int>(std::clamp<std::int64_t>(ms, 0, 60'000));
}

// Only those due at the start, so that timers which set timers cannot keep the turn.
void Reactor::State::run_timers() {
  const TimePoint now = Clock::now();
  const TimerId last = last_timer;
  for (auto next = timers.begin(); next != timers.end() && next->first.first <= now;) {
    if (next->first.second > last) {
      ++next;
      continue;
    }
    const auto key = next->first;
    const Work work = std::move(next->second);
    timers.erase(next);
    timer_times.erase(key.second);
    work();
    next = timers.begin();
  }
}

void Reactor::State::run_deferred() {
  for (auto& work : std::exchange(deferred, {})) work();
}

void Reactor::State::turn() {
  std::array<epoll_event, 64> events{};
  const int ready =
      ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), timeout_ms());
  for (int i = 0; i < ready; ++i) {
    const auto& event = events.at(static_cast<std::size_t>(i));
    // An earlier handler of this turn may have unwatched it; the copy keeps a handler alive that
    // unwatches itself.
    const auto found = handlers.find(event.data.fd);
    if (found == handlers.end()) continue;
    const std::shared_ptr<Handler> handler = found->second;
    (*handler)(event.events);
  }
  run_timers();
  run_deferred();
}

Reactor::Reactor(std::unique_ptr<State> state) : state_(std::move(state)) {}

Reactor::~Reactor() {
  state_->inbox->close();
}

Result<std::unique_ptr<Reactor>> Reactor::create() {
  auto state = std::make_unique<State>();
  state->epoll.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!state->epoll.valid()) return fail_errno("create the reactor's epoll", errno);
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return fail_errno("create the reactor's eventfd", errno);
  state->inbox = std::make_shared<Inbox>(std::move(wake));
  std::unique_ptr<Reactor> reactor(new Reactor(std::move(state)));
  Inbox* inbox = reactor->state_->inbox.get();
  KILN_TRY(reactor->watch_fd(inbox->fd(), EPOLLIN, [inbox](std::uint32_t) {
    for (auto& work : inbox->take()) work();
  }));
  return reactor;
}

void Reactor::run() {
  while (!state_->stopping) state_->turn();
  state_->stopping = false;
}

void Reactor::stop() {
  state_->stopping = true;
  state_->inbox->wake();
}

Status Reactor::watch_fd(int fd, std::uint32_t events, Handler handler) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  const int operation = state_->handlers.contains(fd) ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (::epoll_ctl(state_->epoll.get(), operation, fd, &event) != 0) {
    return fail_errno("watch descriptor " + std::to_string(fd), errno);
  }
  state_->handlers[fd] = std::make_shared<Handler>(std::move(handler));
  return {};
}

void Reactor::unwatch_fd(int fd) {
  if (state_->handlers.erase(fd) > 0) {
    ::epoll_ctl(state_->epoll.get(), EPOLL_CTL_DEL, fd, nullptr);
  }
}

TimerId Reactor::call_at(TimePoint when, Work fn) {
  const TimerId id = ++state_->last_timer;
  state_->timers.emplace(std::pair(when, id), std::move(fn));
  state_->timer_times.emplace(id, when);
  return id;
}

TimerId Reactor::call_after(Duration delay, Work fn) {
  return call_at(now() + delay, std::move(fn));
}

void Reactor::cancel(TimerId timer) {
  const auto found = state_->timer_times.find(timer);
  if (found == state_->timer_times.end()) return;
  state_->timers.erase({found->second, timer});
  state_->timer_times.erase(found);
}

void Reactor::post(Work fn) {
  state_->inbox->put(std::move(fn));
}

void Reactor::defer(Work fn) {
  state_->deferred.push_back(std::move(fn));
}

void Reactor::offload(ThreadPool& pool, Work work, Work done) {
  pool.post([inbox = state_->inbox, work = std::move(work), done = std::move(done)]() mutable {
    work();
    work = nullptr;  // what it holds is let go before `done` runs
    inbox->put(std::move(done));
  });
}

Status Reactor::watch_signals(const std::vector<int>& signals, std::function<void(int)> fn) {
  if (state_->signals.valid()) return fail(Errc::already_exists, "signals are watched already");
  sigset_t set{};
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  if (const int error = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
    return fail_errno("block signals", error);
  }
  UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return fail_errno("create the reactor's signalfd", errno);
  KILN_TRY(watch_fd(fd.get(), EPOLLIN, [raw = fd.get(), fn = std::move(fn)](std::uint32_t) {
    signalfd_siginfo info{};
    while (::read(raw, &info, sizeof info) == sizeof info) fn(static_cast<int>(info.ssi_signo));
  }));
  state_->signals = std::move(fd);
  return {};
}

}  // namespace kiln::net
