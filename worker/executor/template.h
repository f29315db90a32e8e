// The life of a template: a nursery below the nursery.
#pragma once

#include "worker/executor/channel.h"
#include "worker/sandbox/identity.h"
#include "worker/sandbox/root.h"

namespace kiln::worker {

// Enters the namespaces of an executor and says that it has begun (or is broken); then forks
// executors as the host asks, which need no namespaces of their own, until the host hangs up or
// says stop. It never has a second thread, so what it forks inherits no lock that somebody holds.
// REQUIRES: called in a fresh child of the nursery, whose pid is `parent`.
[[noreturn]] void run_template(int parent, const CreateMessage& create, const ScratchLayout& layout,
                               const Identity& identity, Channel host);

}  // namespace kiln::worker
