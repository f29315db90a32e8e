// Which tasks a held program may be forked for: those for which exec would have led to the very
// same process.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "worker/forkserver/held_program.h"

namespace kiln::worker {

// What is known of a held program once it waits before its main.
struct HeldFiles {
  HeldProgram program;
  std::string path;                // of its file, free of symlinks, in the toolchain's root
  std::vector<std::string> files;  // that its loader has mapped, likewise
};

struct Candidate {
  std::string path;                      // of the task's program, free of symlinks, in its own root
  std::vector<std::string> environment;  // NAME=value
  std::vector<std::filesystem::path> lowers;
};

// Whether a file exists in the tree of a lower directory.
using ExistsIn = std::function<bool(const std::filesystem::path& lower, const std::string& path)>;

// Whether the dynamic loader or the C library takes this variable into account before main.
bool is_read_before_main(const std::string& variable);

// The task's tree may lay inputs over the toolchain, but none over what the program has loaded.
bool may_fork(const Candidate& task, const HeldFiles& held, const ExistsIn& exists);

}  // namespace kiln::worker
