#include "worker/sandbox/command.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/sandbox/signals.h"

namespace kiln::worker {
namespace {

enum class Stage : int { root, descriptors, limits, ids, directory, execute };

// What the child leaves in its parent's memory.
struct Handover {
  Stage stage = Stage::root;
  int number = 0;  // errno, when it could not become the program
  TimePoint executed;
};

std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const auto& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Leaves 0, 1 and 2. The given descriptors lie above these: an init has 0 to 2 open.
bool arrange_descriptors(const CommandSpec& spec) {
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  return null >= 0 && ::dup2(null, 0) == 0 && ::dup2(spec.standard_output, 1) == 1 &&
         ::dup2(spec.standard_error, 2) == 2 && ::close_range(3, ~0U, 0) == 0;
}

bool limit(__rlimit_resource_t resource, rlim_t most) {
  rlimit now{};
  if (::getrlimit(resource, &now) != 0) return false;
  now.rlim_max = std::min(now.rlim_max, most);
  now.rlim_cur = std::min(now.rlim_cur, now.rlim_max);
  return ::setrlimit(resource, &now) == 0;
}

bool set_limits(const CommandSpec& spec) {
  return limit(RLIMIT_CORE, 0) && limit(RLIMIT_NPROC, kMostProcesses) &&
         (spec.file_size_limit == 0 || limit(RLIMIT_FSIZE, spec.file_size_limit));
}

// In the child, which borrows its parent's memory: becomes the program, or leaves word why not.
// Allocates nothing.
[[noreturn]] void become(const CommandSpec& spec, char* const* argv, char* const* environment,
                         Handover& handover) {
  const auto give_up = [&handover](Stage stage) {
    handover.stage = stage;
    handover.number = errno;
    ::_exit(127);
  };
  restore_signals();
  ::setsid();
  if (spec.root >= 0 && (::fchdir(spec.root) != 0 || ::chroot(".") != 0)) give_up(Stage::root);
  if (!arrange_descriptors(spec)) give_up(Stage::descriptors);
  if (!set_limits(spec)) give_up(Stage::limits);
  if (!drop_privileges(spec.identity)) give_up(Stage::ids);
  ::umask(spec.umask);
  if (::chdir(spec.cwd.c_str()) != 0) give_up(Stage::directory);
  handover.executed = Clock::now();
  ::execve(spec.program.c_str(), argv, environment);
  give_up(Stage::execute);
  ::_exit(127);
}

Error describe_failure(const Handover& failure, const CommandSpec& spec) {
  switch (failure.stage) {
    case Stage::root:
      return system_error("cannot enter the task's root", failure.number);
    case Stage::descriptors:
      return system_error("cannot arrange the descriptors of the command", failure.number);
    case Stage::limits:
      return system_error("cannot set the resource limits of the command", failure.number);
    case Stage::ids:
      return system_error("cannot drop to the task's user", failure.number);
    case Stage::directory:
      return system_error("cannot enter the task's directory " + spec.cwd, failure.number);
    case Stage::execute:
      break;
  }
  return system_error("cannot execute " + spec.program + " in the task's root", failure.number);
}

}  // namespace

bool drop_privileges(const Identity& identity) {
  if (identity.as_root &&
      (::setgroups(0, nullptr) != 0 || ::setresgid(identity.gid, identity.gid, identity.gid) != 0 ||
       ::setresuid(identity.uid, identity.uid, identity.uid) != 0)) {
    return false;
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[2] = {};
  return ::syscall(SYS_capset, &header, none) == 0 && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

Result<StartedCommand> start_command(const CommandSpec& spec) {
  if (spec.argv.empty()) return fail(Errc::invalid_argument, "a task without arguments");
  const auto argv = pointers_to(spec.argv);
  const auto environment = pointers_to(spec.environment);
  Handover handover;
  // Not fork: the child is about to throw its memory away, and a copy of it costs more than
  // anything else here. The parent sleeps until the program has taken over or the child is gone.
  const pid_t pid = ::vfork();
  if (pid < 0) return fail_errno("cannot fork the command", errno);
  if (pid == 0) become(spec, argv.data(), environment.data(), handover);
  if (handover.number == 0) return StartedCommand{pid, handover.executed};
  ::waitpid(pid, nullptr, 0);
  return fail(describe_failure(handover, spec));
}

}  // namespace kiln::worker
