#include "worker/sandbox/system_calls.h"

#include <cerrno>
#include <csignal>
#include <functional>

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kiln::worker {
namespace {

// The errno of a call under the filter, 0 when it works; -1 when the filter kills.
int error_of(const std::function<long()>& call) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (!filter_system_calls()) ::_exit(255);
    ::_exit(call() < 0 ? errno : 0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(SystemCalls, that_make_or_enter_namespaces_are_refused) {
  for (const int flag : {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWTIME}) {
    EXPECT_EQ(error_of([flag] { return ::unshare(flag); }), EPERM) << flag;
    EXPECT_EQ(error_of([flag] { return ::unshare(flag | CLONE_FS); }), EPERM) << flag;
  }
  EXPECT_EQ(error_of([] { return ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0); }),
            EPERM);
  EXPECT_EQ(error_of([] { return ::syscall(SYS_clone3, nullptr, 0); }), ENOSYS);
  EXPECT_EQ(error_of([] { return ::setns(0, 0); }), EPERM);
}

TEST(SystemCalls, that_no_compiler_needs_are_refused) {
  for (const long call : {SYS_keyctl, SYS_add_key, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd,
                          SYS_io_uring_setup, SYS_open_by_handle_at, SYS_kexec_load}) {
    EXPECT_EQ(error_of([call] { return ::syscall(call, -1L, 0, 0, 0, 0, 0); }), EPERM) << call;
  }
}

TEST(SystemCalls, make_only_usual_sockets) {
  const auto open_socket = [](int domain) {
    return error_of([domain] { return ::socket(domain, SOCK_DGRAM, 0); });
  };
  for (const int domain : {AF_UNIX, AF_INET}) EXPECT_EQ(open_socket(domain), 0) << domain;
  EXPECT_EQ(error_of([] { return ::socket(AF_NETLINK, SOCK_RAW, 0); }), 0);
  for (const int domain : {AF_VSOCK, AF_ALG, AF_PACKET, AF_AX25, AF_KEY, -1}) {
    EXPECT_EQ(open_socket(domain), EAFNOSUPPORT) << domain;
  }
}

TEST(SystemCalls, that_programs_make_work) {
  EXPECT_EQ(error_of([] { return ::unshare(CLONE_FS | CLONE_FILES); }), 0);
  EXPECT_EQ(error_of([]() -> long {
              const pid_t pid = ::fork();
              if (pid == 0) ::_exit(0);
              return ::waitpid(pid, nullptr, 0);
            }),
            0);
  EXPECT_EQ(error_of([]() -> long {
              const pid_t pid = ::vfork();
              if (pid == 0) ::_exit(0);
              return ::waitpid(pid, nullptr, 0);
            }),
            0);
  EXPECT_EQ(error_of([] { return ::syscall(SYS_getpid); }), 0);
}

}  // namespace
}  // namespace kiln::worker
