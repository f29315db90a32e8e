#include "client/cli/interrupt.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace kiln::client {

Interrupt::Interrupt() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigprocmask(SIG_BLOCK, &set, &before_);
  fd_ = UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

Interrupt::~Interrupt() {
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

bool Interrupt::comes_within(milliseconds time) const {
  struct pollfd item {};
  item.fd = fd_.get();
  item.events = POLLIN;
  struct signalfd_siginfo taken {};
  return ::poll(&item, 1, static_cast<int>(time.count())) > 0 &&
         ::read(fd_.get(), &taken, sizeof taken) > 0;
}

}  // namespace kiln::client
