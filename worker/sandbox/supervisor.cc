#include "worker/sandbox/supervisor.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <optional>
#include <utility>

#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include "worker/sandbox/capture.h"
#include "worker/sandbox/process_table.h"

namespace kiln::worker {
namespace {

constexpr auto kMemoryInterval = milliseconds(50);
constexpr std::uint64_t kLittleSpace = 64U << 20U;  // bytes
constexpr std::uint64_t kFewInodes = 64;

std::uint64_t microseconds_of(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000U +
         static_cast<std::uint64_t>(time.tv_usec);
}

class Supervisor {
 public:
  Supervisor(const SupervisedRun& run, int control) : run_(run), control_(control) {
    budget_.left = stream_limit();
  }

  Supervised finish() {
    if (auto status = start(); !status) {
      end_.outcome = Outcome::not_started;
      end_.message = status.error().message;
      const Errc code = status.error().code;
      end_.nodes_fault = code == Errc::resource_exhausted || code == Errc::io;
      return result();
    }
    while (!decided_) wait_once();
    const auto ended = Clock::now();
    kill_all();
    out_->finish(budget_);
    err_->finish(budget_);
    account(ended);
    find_outputs();
    blame_node();
    name_outcome();
    return result();
  }

 private:
  std::uint64_t stream_limit() const {
    const auto unlimited = [](std::uint64_t limit) { return limit == 0 ? UINT64_MAX : limit; };
    return std::min(unlimited(run_.limits.output_bytes), unlimited(run_.stream_bytes));
  }

  Status start() {
    sigset_t child{};
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    signals_.reset(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_.valid()) return fail_errno("cannot watch for the command's end", errno);
    KILN_TRY_ASSIGN(out_, Capture::open(run_.tail_bytes));
    KILN_TRY_ASSIGN(err_, Capture::open());
    auto command = run_.command;
    command.standard_output = out_->write_end();
    command.standard_error = run_.tail_bytes > 0 ? out_->write_end() : err_->write_end();
    command.file_size_limit = run_.limits.output_bytes;
    KILN_TRY_ASSIGN(const auto started, run_.start(command));
    command_ = started.pid;
    started_ = started.executed;
    out_->start();
    err_->start();
    if (run_.limits.wall_ms > 0) deadline_ = started_ + milliseconds(run_.limits.wall_ms);
    if (run_.limits.memory_bytes > 0) {
      processes_.emplace(run_.root, run_.bystanders);
      next_look_ = started_ + kMemoryInterval;
    }
    return {};
  }

  void wait_once() {
    pollfd watched[4] = {{control_, POLLIN, 0},
                         {signals_.get(), POLLIN, 0},
                         {out_->fd(), POLLIN, 0},
                         {err_->fd(), POLLIN, 0}};
    if (::poll(watched, 4, timeout_ms()) < 0 && errno != EINTR) return decide(Outcome::cancelled);
    if (watched[2].revents != 0) out_->take(budget_);
    if (watched[3].revents != 0) err_->take(budget_);
    if (watched[1].revents != 0) reap();
    if (decided_) return;
    if (!budget_.trouble) decide(Outcome::not_started);
    if (budget_.exceeded) decide(Outcome::output_limit);
    if (watched[0].revents != 0) obey(run_.order ? run_.order() : Order::cancel);
    look_at_clock(Clock::now());
  }

  void obey(Order order) {
    if (decided_ || order == Order::none) return;
    if (order == Order::cancel) return decide(Outcome::cancelled);
    if (std::exchange(end_.terminated, true)) return;
    ProcessTable(run_.root, run_.bystanders).signal_all(SIGTERM);
  }

  int timeout_ms() const {
    const auto next = std::min(deadline_, next_look_);
    if (next == TimePoint::max()) return -1;
    const auto left = std::chrono::ceil<milliseconds>(next - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
  }

  void look_at_clock(TimePoint now) {
    if (decided_) return;
    if (now >= deadline_) return decide(Outcome::time_limit);
    if (now < next_look_) return;
    next_look_ = now + kMemoryInterval;
    if (processes_->resident_bytes() > run_.limits.memory_bytes) decide(Outcome::memory_limit);
  }

  // Reaps whoever has ended: the command, and what it left to its init.
  void reap() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) > 0) {
    }
    int status = 0;
    while (true) {
      rusage used{};
      const pid_t pid = ::wait4(-1, &status, WNOHANG, &used);
      if (pid < 0) childless_ = true;
      if (pid <= 0) return;
      count(used);
      if (pid == command_) note_exit(status);
    }
  }

  void note_exit(int status) {
    if (WIFEXITED(status)) {
      end_.exit_code = WEXITSTATUS(status);
      decide(Outcome::exited);
    } else {
      end_.signal = WTERMSIG(status);
      decide(end_.signal == SIGXFSZ ? Outcome::output_limit : Outcome::signalled);
    }
  }

  void decide(Outcome outcome) {
    if (decided_) return;
    decided_ = true;
    end_.outcome = outcome;
  }

  // The kernel refuses new processes to those that a SIGKILL waits for, so one round suffices. All
  // that lives here descends from this process's children.
  void kill_all() {
    if (childless_) return;
    ::kill(-1, SIGKILL);
    rusage used{};
    while (::wait4(-1, nullptr, __WALL, &used) > 0 || errno == EINTR) count(used);
  }

  // Of a child that has ended, with all that it waited for.
  void count(const rusage& used) {
    auto& usage = end_.usage;
    usage.user_us += microseconds_of(used.ru_utime);
    usage.system_us += microseconds_of(used.ru_stime);
    usage.max_rss_bytes =
        std::max(usage.max_rss_bytes, static_cast<std::uint64_t>(used.ru_maxrss) * 1024U);
  }

  void account(TimePoint ended) {
    ended_ = ended;
    end_.usage.run_us = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(ended_ - started_).count());
  }

  void find_outputs() {
    for (const auto& path : run_.outputs) {
      if (auto found = find_output(run_.root, path)) end_.outputs.push_back(std::move(*found));
    }
    const auto limit = run_.limits.output_bytes;
    const bool too_large =
        limit > 0 && std::any_of(end_.outputs.begin(), end_.outputs.end(),
                                 [limit](const auto& output) { return output.size >= limit; });
    const bool own_end = end_.outcome == Outcome::exited || end_.outcome == Outcome::signalled;
    if (own_end && (too_large || budget_.exceeded)) end_.outcome = Outcome::output_limit;
  }

  // What the command could not help: elsewhere it may do better.
  void blame_node() {
    const auto outcome = end_.outcome;
    const bool failed =
        (outcome == Outcome::exited && end_.exit_code != 0) || outcome == Outcome::signalled;
    Status trouble = budget_.trouble;
    if (trouble) trouble = check_space(failed);
    if (trouble) return;
    end_.outcome = Outcome::not_started;
    end_.message = trouble.error().within("keeping what the command wrote").message;
  }

  // By the file system below the root's overlay. Compilers remove what they could not finish, so
  // that little room counts as none; for a command that fails by its own fault, another node only
  // says so again.
  Status check_space(bool failed) const {
    struct statfs now {};
    if (!failed || ::fstatfs(run_.root, &now) != 0 || now.f_blocks == 0) return {};
    const auto block = static_cast<std::uint64_t>(now.f_bsize);
    const auto little = std::min(kLittleSpace, now.f_blocks * block / 16);
    if (now.f_bavail * block >= little && (now.f_files == 0 || now.f_ffree >= kFewInodes))
      return {};
    return fail(Errc::resource_exhausted, "the node's scratch directory is full");
  }

  void name_outcome() {
    const auto& limits = run_.limits;
    if (end_.outcome == Outcome::time_limit) {
      end_.message = "killed after " + std::to_string(limits.wall_ms) + " ms, its time limit";
    } else if (end_.outcome == Outcome::memory_limit) {
      end_.message =
          "killed above its memory limit of " + std::to_string(limits.memory_bytes) + " bytes";
    } else if (end_.outcome == Outcome::output_limit) {
      end_.message = "killed at its output limit of " +
                     std::to_string(budget_.exceeded ? stream_limit() : limits.output_bytes) +
                     " bytes";
    } else if (end_.outcome == Outcome::cancelled) {
      end_.message = "cancelled";
    }
  }

  Supervised result() {
    Supervised supervised;
    supervised.end = std::move(end_);
    supervised.started = started_;
    supervised.ended = ended_;
    supervised.left_nothing = childless_;
    if (out_) {
      supervised.end.stdout_bytes = out_->bytes();
      supervised.standard_output = out_->release_file();
    }
    if (err_) {
      supervised.end.stderr_bytes = err_->bytes();
      supervised.standard_error = err_->release_file();
    }
    return supervised;
  }

  const SupervisedRun& run_;
  int control_;
  UniqueFd signals_;
  std::optional<Capture> out_;
  std::optional<Capture> err_;
  CaptureBudget budget_;
  std::optional<ProcessTable> processes_;  // when there is a limit to hold it against
  pid_t command_ = -1;
  TimePoint started_;
  TimePoint ended_;
  TimePoint deadline_ = TimePoint::max();
  TimePoint next_look_ = TimePoint::max();
  bool decided_ = false;
  bool childless_ = false;
  TaskEnd end_;
};

}  // namespace

Supervised supervise(const SupervisedRun& run, int control) {
  return Supervisor(run, control).finish();
}

}  // namespace kiln::worker
