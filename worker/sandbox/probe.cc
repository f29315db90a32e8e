#include "worker/sandbox/probe.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/files.h"
#include "worker/sandbox/devices.h"
#include "worker/sandbox/diagnosis.h"
#include "worker/sandbox/namespaces.h"
#include "worker/sandbox/removal.h"
#include "worker/sandbox/root.h"

namespace kiln::worker {
namespace {

// Does once what an executor and a task's init do.
Status try_all(const RootPlan& plan) {
  KILN_TRY(enter_executor_namespaces(plan.identity, "probe"));
  KILN_TRY(enter_network_namespace(plan.identity));
  KILN_TRY(mount_devices(plan.layout.devices(), plan.identity));
  KILN_TRY_ASSIGN(const auto init, fork_init(plan.identity));
  if (init.pid == 0) {
    ::umask(0);
    return enter_root(plan);
  }
  int status = 0;
  ::waitpid(init.pid, &status, 0);
  return {};
}

// In a child: the error's code and message, or nothing.
[[noreturn]] void report(const Status& outcome, int fd) {
  if (!outcome) {
    static_cast<void>(
        write_all(fd, std::string(name(outcome.error().code)) + "\n" + outcome.error().message));
  }
  ::_exit(0);
}

Status probe_in_child(const RootPlan& plan) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("cannot make a pipe", errno);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("cannot fork", errno);
  if (pid == 0) report(try_all(plan), writer.get());
  writer.reset();
  const auto text = read_all(reader.get());
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!text) return fail(text.error());
  if (const auto end = text->find('\n'); end != std::string::npos) {
    return fail(errc_of(text->substr(0, end)), text->substr(end + 1));
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail(Errc::internal, "the probe of namespaces was killed");
  }
  return {};
}

}  // namespace

Status probe_sandbox(const std::filesystem::path& scratch, const Identity& identity) {
  if (is_on_overlay(scratch)) {
    return fail(Errc::unsupported,
                "the scratch directory " + scratch.string() +
                    " is on an overlay file system, which cannot hold the upper directory of "
                    "another; put the worker's store on a volume or another local file system");
  }
  const auto place = scratch / "probe";
  KILN_TRY(remove_tree(place));
  const ScratchLayout layout{place};
  RootPlan plan{place / "task", layout, {place / "lower"}, {"/"}, identity};
  KILN_TRY(make_directories(layout.root()));
  KILN_TRY(make_directories(layout.devices()));
  KILN_TRY(make_directories(plan.lowers.front()));
  auto probed = probe_in_child(plan);
  KILN_TRY(remove_tree(place));
  return probed;
}

}  // namespace kiln::worker
