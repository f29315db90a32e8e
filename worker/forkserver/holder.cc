#include "worker/forkserver/holder.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/forkserver/stub_wire.h"
#include "worker/sandbox/command.h"
#include "worker/sandbox/process.h"
#include "worker/sandbox/signals.h"

namespace kiln::worker {
namespace {

constexpr int kPatienceMs = 2000;

using Control = std::array<char, CMSG_SPACE(sizeof(int))>;

struct SocketPair {
  UniqueFd ours;
  UniqueFd theirs;
};

Result<SocketPair> make_sockets() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return fail_errno("cannot make a socket pair", errno);
  }
  return SocketPair{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

bool enter(int directory) {
  return ::fchdir(directory) == 0 && ::chroot(".") == 0;
}

// Leaves this process what entering roots takes. That one capability also keeps tasks of the same
// user from tracing it.
bool keep_only_chroot() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct kept[2] = {};
  kept[0].permitted = kept[0].effective = 1U << CAP_SYS_CHROOT;
  return ::syscall(SYS_capset, &header, kept) == 0;
}

// The held process, which has the init's stdin, /dev/null.
[[noreturn]] void become_held(const HolderSetup& setup, int stub, char* const* argv,
                              char* const* environment) {
  restore_signals();
  if (::dup2(setup.log.get(), 1) == 1 && ::dup2(setup.log.get(), 2) == 2 &&
      ::dup2(stub, KILN_STUB_SOCKET) == KILN_STUB_SOCKET &&
      ::close_range(KILN_STUB_SOCKET + 1, ~0U, 0) == 0 && drop_privileges(setup.identity)) {
    ::execve(setup.program.c_str(), argv, environment);
  }
  ::_exit(127);
}

// The root of an order; -1: none came with it; nothing is left to do when `more` is false.
int receive_order(int orders, bool& more) {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) Control control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t count = 0;
  do {
    count = ::recvmsg(orders, &message, MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  more = count == 1;
  const auto* head = more ? CMSG_FIRSTHDR(&message) : nullptr;
  int root = -1;
  if (head != nullptr) std::memcpy(&root, CMSG_DATA(head), sizeof root);
  return root;
}

bool say(int orders, int number) {
  return ::send(orders, &number, sizeof number, MSG_NOSIGNAL) == sizeof number;
}

[[noreturn]] void hold(const HolderSetup& setup, int orders, int stub) {
  const std::string preload = std::string("LD_PRELOAD=/") + kStubName;
  const std::string variable = KILN_STUB_VARIABLE "=1";
  const std::array<char*, 2> argv{const_cast<char*>(setup.program.c_str()), nullptr};
  const std::array<char*, 3> environment{const_cast<char*>(preload.c_str()),
                                         const_cast<char*>(variable.c_str()), nullptr};
  if (!enter(setup.home.get())) ::_exit(1);
  const long held = ::syscall(SYS_clone, CLONE_FS | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (held == 0) become_held(setup, stub, argv.data(), environment.data());
  ::close(stub);
  if (held < 0 || !keep_only_chroot() || !say(orders, static_cast<int>(held))) ::_exit(1);
  bool more = true;
  while (more) {
    const UniqueFd root(receive_order(orders, more));
    if (!more) break;
    const bool entered = enter(root.valid() ? root.get() : setup.home.get());
    const int number = entered ? 0 : errno;
    if (root.valid() ? !say(orders, number) : !entered) break;
  }
  ::_exit(0);
}

Result<int> next_number(int orders) {
  pollfd watched{orders, POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&watched, 1, kPatienceMs);
  } while (ready < 0 && errno == EINTR);
  int number = 0;
  if (ready > 0 && ::recv(orders, &number, sizeof number, MSG_DONTWAIT) == sizeof number) {
    return number;
  }
  return fail(Errc::unavailable, "the process that holds a program is gone or does not answer");
}

}  // namespace

Result<StartedHolder> start_holder(const HolderSetup& setup) {
  KILN_TRY_ASSIGN(auto orders, make_sockets());
  KILN_TRY_ASSIGN(auto stub, make_sockets());
  // Without a signal at its end: wait() does not see it unless asked to, so that the init tells by
  // wait() whether a task has left processes.
  const long pid = ::syscall(SYS_clone, 0, nullptr, nullptr, nullptr, nullptr);
  if (pid < 0) return fail_errno("cannot fork the process that holds a program", errno);
  if (pid == 0) {
    close_all_but({setup.home.get(), setup.log.get(), orders.theirs.get(), stub.theirs.get()});
    hold(setup, orders.theirs.get(), stub.theirs.get());
  }
  StartedHolder started{static_cast<pid_t>(pid), -1, std::move(orders.ours), std::move(stub.ours)};
  orders.theirs.reset();
  auto held = next_number(started.orders.get());
  if (!held) {
    ::kill(started.holder, SIGKILL);
    ::waitpid(started.holder, nullptr, __WALL);
    return fail(std::move(held).error());
  }
  started.held = *held;
  return started;
}

Status enter_by_holder(int orders, int root) {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) Control control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (root >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    auto* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof root);
    std::memcpy(CMSG_DATA(head), &root, sizeof root);
  }
  if (::sendmsg(orders, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    return fail_errno("cannot reach the process that holds a program", errno);
  }
  if (root < 0) return {};
  KILN_TRY_ASSIGN(const int number, next_number(orders));
  if (number != 0) return fail_errno("cannot enter a task's root for a held program", number);
  return {};
}

}  // namespace kiln::worker
