#include "client/cli/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace kiln::client {

Signals::Signals(std::initializer_list<int> which) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : which) ::sigaddset(&set, number);
  ::sigprocmask(SIG_BLOCK, &set, &before_);
  fd_ = UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

Signals::~Signals() {
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<int> Signals::take() const {
  struct signalfd_siginfo taken {};
  if (::read(fd_.get(), &taken, sizeof taken) <= 0) return std::nullopt;
  return static_cast<int>(taken.ssi_signo);
}

}  // namespace kiln::client
