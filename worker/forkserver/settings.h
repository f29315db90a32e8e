// What one process of a user may change in another of the same user without ever touching its
// memory: a task could leave such a trace in a held process, or in the init.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/types.h>

namespace kiln::worker {

struct ProcessSettings {
  std::vector<std::uint64_t> limits;  // soft and hard, of each resource
  std::string processors;             // that it may use, as the kernel's mask
  int niceness = 0;
  int policy = 0;
  int input_output_class = 0;

  friend bool operator==(const ProcessSettings&, const ProcessSettings&) = default;
};

// Nothing: it is gone, or stopped. `proc` is a /proc in which its pid is valid, 0 means this
// process itself.
std::optional<ProcessSettings> settings_of(pid_t pid, int proc);

}  // namespace kiln::worker
