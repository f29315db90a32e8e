#include "common/base/child_process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/base/unique_fd.h"

namespace kiln {
namespace {

struct Pipe {
  UniqueFd reader;  // does not block
  UniqueFd writer;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("cannot make a pipe", errno);
  Pipe made{UniqueFd(ends[0]), UniqueFd(ends[1])};
  ::fcntl(made.reader.get(), F_SETFL, O_NONBLOCK);
  return made;
}

// The arrays of pointers that exec wants; they point into the spec and into `assignments`.
struct ExecArguments {
  explicit ExecArguments(const CommandSpec& spec) {
    if (spec.argv.empty()) argv.push_back(const_cast<char*>(spec.program.c_str()));
    for (const auto& word : spec.argv) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    for (const auto& [key, value] : spec.environment) assignments.push_back(key + "=" + value);
    for (auto& assignment : assignments) environment.push_back(assignment.data());
    environment.push_back(nullptr);
  }
  std::vector<char*> argv;
  std::vector<std::string> assignments;
  std::vector<char*> environment;
};

// What posix_spawn does in the child before exec.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  Result<pid_t> spawn(const CommandSpec& spec, int stdout_fd, int stderr_fd) {
    if (!spec.cwd.empty()) posix_spawn_file_actions_addchdir_np(&actions_, spec.cwd.c_str());
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, stdout_fd, 1);
    posix_spawn_file_actions_adddup2(&actions_, stderr_fd, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    const ExecArguments arguments(spec);
    pid_t child = -1;
    const int failure = posix_spawn(&child, spec.program.c_str(), &actions_, &attributes_,
                                    arguments.argv.data(), arguments.environment.data());
    if (failure == 0) return child;
    const std::string where = spec.cwd.empty() ? "" : " in " + spec.cwd;
    return fail_errno("cannot run " + spec.program + where, failure);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// A started child: killed with its group and reaped when the object goes.
class Child {
 public:
  explicit Child(pid_t pid)
      : pid_(pid), pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  ~Child() {
    if (pid_ > 0) end(nullptr);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int pidfd() const { return pidfd_.get(); }
  // The group's id is ours until the leader is reaped, so this never hits a stranger.
  void kill_group() const { ::kill(-pid_, SIGKILL); }

  int end(rusage* usage) {
    kill_group();
    int status = 0;
    while (::wait4(pid_, &status, 0, usage) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
  UniqueFd pidfd_;
};

// Appends what is there; closes the end at end of file. False when `room` does not suffice.
bool drain(UniqueFd& fd, std::string& text, std::size_t& room) {
  std::array<char, 65536> buffer;
  while (fd.valid()) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return true;
    if (got <= 0) {
      fd.reset();
      return true;
    }
    if (static_cast<std::size_t>(got) > room) return false;
    room -= static_cast<std::size_t>(got);
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return true;
}

// Milliseconds that poll may wait; -1 for ever.
int wait_time(const CommandSpec& spec, TimePoint started) {
  if (spec.deadline.count() <= 0) return -1;
  const auto left = std::chrono::ceil<milliseconds>(started + spec.deadline - Clock::now());
  return left.count() > 0 ? static_cast<int>(left.count()) : 0;
}

// Collects output until the child has ended, the deadline is over, or there is too much of it.
Status collect(const CommandSpec& spec, const Child& child, Pipe& out, Pipe& err,
               CommandOutput& output) {
  const TimePoint started = Clock::now();
  std::size_t room = spec.output_limit_bytes;
  for (bool ended = false; !ended && !output.timed_out;) {
    std::array<pollfd, 3> watched = {
        {{out.reader.get(), POLLIN, 0}, {err.reader.get(), POLLIN, 0}, {child.pidfd(), POLLIN, 0}}};
    const int ready = ::poll(watched.data(), watched.size(), wait_time(spec, started));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return fail_errno("cannot wait for " + spec.program, errno);
    output.timed_out = ready == 0;
    ended = watched[2].revents != 0;
    if (!drain(out.reader, output.stdout_text, room) ||
        !drain(err.reader, output.stderr_text, room)) {
      return fail(Errc::resource_exhausted, spec.program + " was killed: it wrote more than " +
                                                std::to_string(spec.output_limit_bytes) +
                                                " bytes to stdout and stderr");
    }
  }
  return {};
}

std::uint64_t microseconds(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000U +
         static_cast<std::uint64_t>(time.tv_usec);
}

}  // namespace

Result<CommandOutput> run_command(const CommandSpec& spec) {
  KILN_TRY_ASSIGN(Pipe out, make_pipe());
  KILN_TRY_ASSIGN(Pipe err, make_pipe());
  SpawnPlan plan;
  KILN_TRY_ASSIGN(const pid_t pid, plan.spawn(spec, out.writer.get(), err.writer.get()));
  Child child(pid);
  if (child.pidfd() < 0) return fail_errno("cannot watch " + spec.program, errno);
  out.writer.reset();
  err.writer.reset();
  CommandOutput output;
  KILN_TRY(collect(spec, child, out, err, output));
  rusage usage{};
  const int status = child.end(&usage);
  if (WIFSIGNALED(status)) output.signal = WTERMSIG(status);
  if (WIFEXITED(status)) output.exit_code = WEXITSTATUS(status);
  output.user_us = microseconds(usage.ru_utime);
  output.system_us = microseconds(usage.ru_stime);
  return output;
}

}  // namespace kiln
