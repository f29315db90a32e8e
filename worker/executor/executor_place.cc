#include "worker/executor/executor_place.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/base/files.h"
#include "common/base/unique_fd.h"
#include "worker/sandbox/devices.h"
#include "worker/sandbox/namespaces.h"
#include "worker/sandbox/process.h"
#include "worker/sandbox/system_calls.h"

namespace kiln::worker {

Status join_parent(int parent) {
  if (::setpgid(0, 0) != 0) return fail_errno("cannot make a process group", errno);
  if (!die_with_parent(parent)) {
    return fail(Errc::unavailable, "the process that forked this one is gone");
  }
  return {};
}

Status enter_executor_place(const std::string& hostname, const ScratchLayout& layout,
                            const Identity& identity) {
  KILN_TRY(enter_executor_namespaces(identity, hostname));
  KILN_TRY(mount_devices(layout.devices(), identity));
  // What a task may use up should not cost the worker its life when memory runs out. Refused in
  // some containers; then all are equal.
  const UniqueFd adjust(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (adjust.valid()) static_cast<void>(write_all(adjust.get(), "500"));
  // Nothing that is executed below here can gain a capability.
  for (int capability = 0; ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; ++capability) {
  }
  return {};
}

Status shut_in(const Identity& identity) {
  KILN_TRY(enter_network_namespace(identity));
  // Once, not for each command: to install a filter costs some machines as much as a task's root.
  return filter_system_calls();
}

}  // namespace kiln::worker
