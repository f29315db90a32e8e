// What processes leave in an IPC namespace: it outlives them.
#pragma once

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln::worker {

class IpcObjects {
 public:
  // Of this process's own namespace. `proc`, a /proc of whatever PID namespace, must outlive it.
  static Result<IpcObjects> open(int proc);

  // No shared memory, semaphores or message queues of either kind; false also when in doubt.
  bool none() const;

 private:
  explicit IpcObjects(int proc) : proc_(proc) {}

  int proc_;
  UniqueFd queues_;  // invalid where the kernel has none of that kind
};

}  // namespace kiln::worker
