// To raise an interface takes CAP_NET_ADMIN in the user namespace that made its network, which a
// container's root has not. But he may make a user namespace, and is above what is made in there:
// so a child makes one with a network, raises the loopback, and lends the network to its parent.
#include "worker/sandbox/loopback.h"

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/unique_fd.h"

namespace kiln::worker {
namespace {

// 0, or errno.
int try_raise() {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return 0;  // a kernel without IPv4 has no loopback to raise
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0 ? 0 : errno;
}

// In a child, until the parent hangs up.
[[noreturn]] void lend_network(int parent) {
  int number = ::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 ? 0 : errno;
  if (number == 0) number = try_raise();
  if (::write(parent, &number, sizeof number) == sizeof number) {
    static_cast<void>(::read(parent, &number, sizeof number));
  }
  ::_exit(0);
}

Status enter_network_of(pid_t child, int link) {
  int number = EPIPE;
  if (::read(link, &number, sizeof number) < 0) number = errno;
  if (number != 0) {
    return fail_errno(
        "cannot make a user namespace to raise the loopback interface of a network namespace in, "
        "and the capability NET_ADMIN, which would do without, is missing (docker run --cap-add "
        "NET_ADMIN)",
        number);
  }
  const auto path = "/proc/" + std::to_string(child) + "/ns/net";
  const UniqueFd network(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!network.valid() || ::setns(network.get(), CLONE_NEWNET) != 0) {
    return fail_errno("cannot enter a network namespace by " + path, errno);
  }
  return {};
}

Status borrow_network() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return fail_errno("cannot make a socket pair", errno);
  }
  UniqueFd own(ends[0]);
  UniqueFd other(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("cannot fork", errno);
  if (child == 0) {
    own.reset();
    lend_network(other.get());
  }
  other.reset();
  auto entered = enter_network_of(child, own.get());
  own.reset();
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return entered;
}

}  // namespace

// Compilers do not need lo, but what tests and build tools do with 127.0.0.1 then works.
Status raise_loopback() {
  const int number = try_raise();
  if (number == EPERM) return borrow_network();
  if (number == 0) return {};
  return fail_errno("cannot raise the loopback interface of a network namespace", number);
}

}  // namespace kiln::worker
