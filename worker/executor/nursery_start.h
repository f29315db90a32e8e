// Starting the nursery's program.
#pragma once

#include <filesystem>

#include <sys/types.h>

#include "common/base/result.h"
#include "worker/executor/channel.h"

namespace kiln::worker {

struct StartedNursery {
  pid_t pid = -1;  // the caller's to wait for
  Channel channel;
};

// kiln-nursery, where it is installed: in the directory of this process's own program.
Result<std::filesystem::path> installed_nursery();

// A child of this thread, which it dies with. `lock` stays open in it and all its descendants. An
// error says which program could not be started and why.
Result<StartedNursery> start_nursery(const std::filesystem::path& program, int lock);

}  // namespace kiln::worker
