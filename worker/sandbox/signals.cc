#include "worker/sandbox/signals.h"

#include <array>
#include <csignal>
#include <cstddef>

#include <sys/syscall.h>
#include <unistd.h>

namespace kiln::worker {
namespace {

constexpr std::array kIgnored{SIGINT, SIGTERM, SIGHUP, SIGPIPE};

// By the system call itself: glibc keeps two signals for its threads and refuses to touch them, but
// whoever started us may have left them ignored (posix_spawn of some versions does).
void reset(int number) {
  const std::array<unsigned long, 4> default_action{};  // SIG_DFL, no flags, empty mask
  constexpr std::size_t kMaskBytes = 8;
  ::syscall(SYS_rt_sigaction, number, default_action.data(), nullptr, kMaskBytes);
}

}  // namespace

void set_up_signals() {
  for (int number = 1; number < NSIG; ++number) reset(number);
  for (const int number : kIgnored) static_cast<void>(std::signal(number, SIG_IGN));
  sigset_t child{};
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  ::sigprocmask(SIG_SETMASK, &child, nullptr);
}

void restore_signals() {
  for (const int number : kIgnored) reset(number);
  sigset_t none{};
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace kiln::worker
