#include "client/slots/file_lock.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace kiln::client {
namespace {

constexpr int kFlags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;

// Signals this thread again and again from `deadline` on, so that a blocked flock returns EINTR.
// Again and again because the first may fall before flock blocks.
class InterruptAt {
 public:
  explicit InterruptAt(TimePoint deadline) {
    // Left in place: another thread may be waiting too, and exec resets it.
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGRTMAX, &action, nullptr);
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGRTMAX);
    ::pthread_sigmask(SIG_UNBLOCK, &set, &old_mask_);
    struct sigevent event {};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGRTMAX;
    event._sigev_un._tid = static_cast<pid_t>(::syscall(SYS_gettid));
    armed_ = ::timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
    if (!armed_) return;
    const auto left = std::max<Duration>(deadline - Clock::now(), milliseconds(1));
    const auto whole = std::chrono::duration_cast<seconds>(left);
    struct itimerspec when {};
    when.it_value.tv_sec = whole.count();
    when.it_value.tv_nsec = std::chrono::nanoseconds(left - whole).count();
    when.it_interval.tv_nsec = 10'000'000;
    ::timer_settime(timer_, 0, &when, nullptr);
  }
  InterruptAt(const InterruptAt&) = delete;
  InterruptAt& operator=(const InterruptAt&) = delete;
  ~InterruptAt() {
    if (armed_) ::timer_delete(timer_);
    ::pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
  }

  bool armed() const { return armed_; }

 private:
  timer_t timer_{};
  sigset_t old_mask_{};
  bool armed_ = false;
};

// Makes the file under another name first, so that nobody sees it with a mode cut by the umask.
Status create_lock_file(int directory_fd, const std::string& name, unsigned mode) {
  const std::string temporary =
      name + "." + std::to_string(::getpid()) + "." + std::to_string(::syscall(SYS_gettid));
  const UniqueFd fd(::openat(directory_fd, temporary.c_str(), kFlags | O_CREAT | O_EXCL, 0600));
  if (!fd.valid()) return fail_errno("cannot create " + temporary, errno);
  ::fchmod(fd.get(), mode);
  const bool linked = ::linkat(directory_fd, temporary.c_str(), directory_fd, name.c_str(), 0) == 0;
  const int number = errno;
  ::unlinkat(directory_fd, temporary.c_str(), 0);
  if (!linked && number != EEXIST) return fail_errno("cannot create " + name, number);
  return {};
}

}  // namespace

Result<UniqueFd> open_lock_file(int directory_fd, const std::string& name, unsigned mode) {
  UniqueFd fd(::openat(directory_fd, name.c_str(), kFlags));
  if (!fd.valid() && errno == ENOENT) {
    KILN_TRY(create_lock_file(directory_fd, name, mode));
    fd.reset(::openat(directory_fd, name.c_str(), kFlags));
  }
  if (!fd.valid()) return fail_errno("cannot open the lock file " + name, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return fail(Errc::permission_denied, "the lock file " + name + " is not a regular file");
  }
  return fd;
}

Status lock_until(int fd, TimePoint deadline) {
  if (try_lock(fd)) return {};
  const InterruptAt interrupt(deadline);
  if (!interrupt.armed()) return fail_errno("cannot make a timer to wait for a lock", errno);
  while (::flock(fd, LOCK_EX) != 0) {
    if (errno != EINTR) return fail_errno("cannot lock a file", errno);
    if (Clock::now() >= deadline) return fail(Errc::timed_out, "a file lock did not come in time");
  }
  return {};
}

bool try_lock(int fd) {
  return ::flock(fd, LOCK_EX | LOCK_NB) == 0;
}

}  // namespace kiln::client
