#include "worker/sandbox/system_calls.h"

#include <cerrno>
#include <cstdint>
#include <memory>

#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace kiln::worker {
namespace {

using Context = std::unique_ptr<void, decltype(&seccomp_release)>;

// Refused as they would be to a user who may not: programs know that answer.
constexpr int kRefused[] = {SCMP_SYS(setns),
                            SCMP_SYS(swapon),
                            SCMP_SYS(swapoff),
                            SCMP_SYS(quotactl),
                            SCMP_SYS(add_key),
                            SCMP_SYS(request_key),
                            SCMP_SYS(bpf),
                            SCMP_SYS(perf_event_open),
                            SCMP_SYS(userfaultfd),
                            SCMP_SYS(io_uring_setup),
                            SCMP_SYS(io_uring_enter),
                            SCMP_SYS(io_uring_register),
                            SCMP_SYS(open_by_handle_at),
                            SCMP_SYS(name_to_handle_at),
                            SCMP_SYS(fanotify_init),
                            SCMP_SYS(kexec_load),
                            SCMP_SYS(kexec_file_load),
                            SCMP_SYS(init_module),
                            SCMP_SYS(finit_module),
                            SCMP_SYS(delete_module),
                            SCMP_SYS(reboot),
                            SCMP_SYS(syslog),
                            SCMP_SYS(acct),
                            SCMP_SYS(lookup_dcookie),
                            SCMP_SYS(vhangup),
                            SCMP_SYS(ioperm),
                            SCMP_SYS(iopl)};

// Of clone's flags, but for those of fork_init; and of unshare's, with the time namespace's, whose
// bit means something else to clone.
constexpr unsigned kCloned[] = {CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWUTS, CLONE_NEWCGROUP};
constexpr unsigned kUnshared[] = {CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWUTS, CLONE_NEWCGROUP,
                                  CLONE_NEWPID,  CLONE_NEWNS,  CLONE_NEWIPC, CLONE_NEWTIME};

#if defined(__x86_64__)
constexpr std::uint32_t kForeign[] = {SCMP_ARCH_X86, SCMP_ARCH_X32};
#elif defined(__aarch64__)
constexpr std::uint32_t kForeign[] = {SCMP_ARCH_ARM};
#else
constexpr std::uint32_t kForeign[] = {SCMP_ARCH_NATIVE};
#endif

// Collects the first error of many calls.
class Rules {
 public:
  explicit Rules(scmp_filter_ctx context) : context_(context) {}
  int error() const { return error_; }

  void note(int outcome) {
    if (error_ == 0 && outcome < 0) error_ = -outcome;
  }
  void refuse(int call, int number) {
    note(seccomp_rule_add_array(context_, SCMP_ACT_ERRNO(static_cast<unsigned>(number)), call, 0,
                                nullptr));
  }
  void refuse_if(int call, int number, const scmp_arg_cmp& condition) {
    note(seccomp_rule_add_array(context_, SCMP_ACT_ERRNO(static_cast<unsigned>(number)), call, 1,
                                &condition));
  }

 private:
  scmp_filter_ctx context_;
  int error_ = 0;
};

// Programs of other architectures that the kernel runs too fall under the same rules where the
// library knows them, and are never killed.
void add_architectures(scmp_filter_ctx context, Rules& rules) {
  rules.note(seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW));
  for (const auto architecture : kForeign) {
    const int added = seccomp_arch_add(context, architecture);
    if (added != -EEXIST) rules.note(added);
  }
}

void add_rules(Rules& rules) {
  for (const int call : kRefused) rules.refuse(call, EPERM);
  // Its flags are out of a filter's sight; the library then uses clone.
  rules.refuse(SCMP_SYS(clone3), ENOSYS);
  const auto has = [](unsigned flag) { return scmp_arg_cmp{0, SCMP_CMP_MASKED_EQ, flag, flag}; };
  for (const auto flag : kCloned) rules.refuse_if(SCMP_SYS(clone), EPERM, has(flag));
  for (const auto flag : kUnshared) rules.refuse_if(SCMP_SYS(unshare), EPERM, has(flag));
  // An init's one use of keys.
  rules.refuse_if(SCMP_SYS(keyctl), EPERM, {0, SCMP_CMP_NE, KEYCTL_JOIN_SESSION_KEYRING, 0});
  for (int domain = 0; domain < AF_NETLINK; ++domain) {
    if (domain == AF_UNIX || domain == AF_INET || domain == AF_INET6) continue;
    rules.refuse_if(SCMP_SYS(socket), EAFNOSUPPORT,
                    {0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(domain), 0});
  }
  rules.refuse_if(SCMP_SYS(socket), EAFNOSUPPORT, {0, SCMP_CMP_GT, AF_NETLINK, 0});
}

}  // namespace

bool can_filter_system_calls() {
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, nullptr) != 0 && errno == EFAULT;
}

Status filter_system_calls() {
  if (!can_filter_system_calls()) return {};
  const Context context(seccomp_init(SCMP_ACT_ALLOW), &seccomp_release);
  if (!context) return fail(Errc::internal, "cannot begin a filter of system calls");
  Rules rules(context.get());
  add_architectures(context.get(), rules);
  add_rules(rules);
  constexpr std::uint32_t kBinaryTree = 2;
  rules.note(seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, kBinaryTree));
  // Else some kernels slow down every filtered process, against leaks that a compiler does not
  // have. Kernels before 4.17 do not know it.
  static_cast<void>(seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_SSB, 1));
  if (rules.error() == 0) rules.note(seccomp_load(context.get()));
  if (rules.error() != 0) return fail_errno("cannot filter system calls", rules.error());
  return {};
}

}  // namespace kiln::worker
