// The life of an executor process.
#pragma once

#include "worker/executor/channel.h"
#include "worker/sandbox/identity.h"
#include "worker/sandbox/root.h"

namespace kiln::worker {

// Whether an executor makes its namespaces or has those of the template that forked it.
enum class Place { its_own, the_parents };

struct ExecutorSetup {
  const ScratchLayout& layout;
  const Identity& identity;
  Place place;
};

// Says that it is ready (or broken), then runs one task after the other until the host hangs up or
// says stop. REQUIRES: called in a fresh child of the nursery or a template, whose pid is `parent`.
[[noreturn]] void run_executor(int parent, const CreateMessage& create, const ExecutorSetup& setup,
                               Channel host);

}  // namespace kiln::worker
