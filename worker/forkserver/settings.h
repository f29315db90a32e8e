// What one process of a user may change in another of the same user without ever touching its
// memory: a task could leave such a trace in a held process, or in the init.
#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

namespace kiln::worker {

struct ProcessSettings {
  std::string limits;      // as /proc tells them, so that reading them takes no capability
  std::string processors;  // that it may use, as the kernel's mask
  int niceness = 0;
  int policy = 0;
  int input_output_class = 0;

  friend bool operator==(const ProcessSettings&, const ProcessSettings&) = default;
};

// Nothing: it is gone, or stopped. `proc` is a /proc of this process's PID namespace.
std::optional<ProcessSettings> settings_of(pid_t pid, int proc);

}  // namespace kiln::worker
