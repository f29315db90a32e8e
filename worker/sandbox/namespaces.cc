#include "worker/sandbox/namespaces.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/files.h"
#include "worker/sandbox/diagnosis.h"
#include "worker/sandbox/loopback.h"

namespace kiln::worker {
namespace {

Status write_setting(const char* path, const std::string& content) {
  const UniqueFd fd(::open(path, O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno(path, errno);
  if (::write(fd.get(), content.data(), content.size()) < 0) return fail_errno(path, errno);
  return {};
}

Status enter_user_namespace(const Identity& identity) {
  const auto outer_uid = std::to_string(::geteuid());
  const auto outer_gid = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER) != 0) {
    return fail(explain(SandboxStep::user_namespace, errno, identity));
  }
  KILN_TRY(write_setting("/proc/self/setgroups", "deny"));
  KILN_TRY(
      write_setting("/proc/self/uid_map", std::to_string(identity.uid) + " " + outer_uid + " 1\n"));
  return write_setting("/proc/self/gid_map",
                       std::to_string(identity.gid) + " " + outer_gid + " 1\n");
}

// Every task's mount namespace is a copy of the nursery's, paid for by the mount, and most of a
// usual machine's are interfaces of the kernel, which hold no file of a task's. Refused in a user
// namespace.
void drop_needless_mounts() {
  constexpr std::array<std::string_view, 18> kNeedless = {
      "binfmt_misc", "bpf",        "cgroup",     "cgroup2",   "configfs", "debugfs",
      "devpts",      "efivarfs",   "fusectl",    "hugetlbfs", "mqueue",   "nsfs",
      "pstore",      "rpc_pipefs", "securityfs", "selinuxfs", "sysfs",    "tracefs"};
  std::vector<std::string> places;
  {
    std::ifstream file("/proc/self/mounts");
    std::string source, place, type, rest;
    while (file >> source >> place >> type && std::getline(file, rest)) {
      if (std::find(kNeedless.begin(), kNeedless.end(), type) != kNeedless.end()) {
        places.push_back(place);
      }
    }
  }
  // What is mounted on others comes later.
  std::for_each(places.rbegin(), places.rend(),
                [](const auto& place) { ::umount2(place.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW); });
}

}  // namespace

Status enter_nursery_namespaces(const Identity& identity) {
  if (!identity.as_root) KILN_TRY(enter_user_namespace(identity));
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return fail(explain(SandboxStep::namespaces, errno, identity));
  }
  drop_needless_mounts();
  return {};
}

Status enter_executor_namespaces(const Identity& identity, const std::string& hostname) {
  if (::unshare(CLONE_NEWNS | CLONE_NEWUTS) != 0) {
    return fail(explain(SandboxStep::namespaces, errno, identity));
  }
  constexpr std::string_view kNoDomain = "(none)";
  if (::sethostname(hostname.data(), hostname.size()) != 0 ||
      ::setdomainname(kNoDomain.data(), kNoDomain.size()) != 0) {
    return fail_errno("cannot name the UTS namespace \"" + hostname + "\"", errno);
  }
  return {};
}

Status enter_network_namespace(const Identity& identity) {
  if (::unshare(CLONE_NEWNET) != 0) {
    return fail(explain(SandboxStep::namespaces, errno, identity));
  }
  return raise_loopback();
}

Result<ForkedInit> fork_init(const Identity& identity) {
  // The system call itself: clone3 is withheld by some containers' seccomp profiles, and the
  // library's clone wants a stack.
  int pidfd = -1;
  const long flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_PIDFD | SIGCHLD;
  const long pid = ::syscall(SYS_clone, flags, nullptr, &pidfd, nullptr, nullptr);
  if (pid < 0) return fail(explain(SandboxStep::namespaces, errno, identity));
  return ForkedInit{static_cast<pid_t>(pid), UniqueFd(pid == 0 ? -1 : pidfd)};
}

}  // namespace kiln::worker
