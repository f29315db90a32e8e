// The life of an executor process.
#pragma once

#include "worker/executor/channel.h"
#include "worker/sandbox/identity.h"
#include "worker/sandbox/root.h"

namespace kiln::worker {

// Enters the namespaces, says that it is ready (or broken), then runs one task after the other
// until the host hangs up or says stop. REQUIRES: called in a fresh child of the nursery, whose pid
// is `parent`.
[[noreturn]] void run_executor(int parent, const CreateMessage& create, const ScratchLayout& layout,
                               const Identity& identity, Channel host);

}  // namespace kiln::worker
