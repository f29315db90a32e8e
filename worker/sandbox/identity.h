// Who tasks run as.
#pragma once

#include <cstdint>

#include <sys/types.h>

namespace kiln::worker {

// As root, a task runs as an unprivileged pair of ids that nothing else should use. As an ordinary
// user it runs in a user namespace where only the user's own ids exist, under the same numbers;
// either way never as uid 0, and with no capability.
struct Identity {
  // Not a system user of Debian's, and within the 65536 ids that a usual container maps.
  static constexpr uid_t kDefaultTaskUid = 65533;
  static constexpr gid_t kDefaultTaskGid = 65533;

  // The worker is root and needs no user namespace. False also for the root of a container that
  // maps too few ids: such a worker makes user namespaces as an ordinary user does.
  bool as_root = false;
  uid_t uid = 0;
  gid_t gid = 0;

  // From the effective ids of this process.
  static Identity detect();
};

}  // namespace kiln::worker
