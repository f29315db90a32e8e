// Whose fault a failure is: tasks that fail by their node's go elsewhere, and the node takes a
// rest.
#pragma once

#include "common/base/error.h"

namespace kiln::worker {

// Whether this machine is what is wrong (disk, memory, permissions), and not what it was sent.
inline bool is_nodes_fault(const Error& error) {
  return error.code == Errc::resource_exhausted || error.code == Errc::io ||
         error.code == Errc::permission_denied;
}

}  // namespace kiln::worker
