// The loopback interface of a network namespace that has nothing else.
#pragma once

#include "common/base/result.h"

namespace kiln::worker {

// Raises that of this process's own new network namespace. Where CAP_NET_ADMIN is missing, as in
// most containers, the process changes to yet another one, for which the system must allow user
// namespaces. REQUIRES: one thread, and CAP_SYS_ADMIN in its user namespace.
Status raise_loopback();

}  // namespace kiln::worker
