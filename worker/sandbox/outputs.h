// Fetching what a task wrote, from a directory that the task controlled.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln::worker {

// A declared output that exists in a task's upper directory after its end. The task's init resolves
// the declared path inside the root (symlinks of the input tree on the way are followed, a symlink
// in the last place is not), so `path` needs no more following.
struct WrittenOutput {
  std::string declared;    // as the task declared it
  std::string path;        // below the upper directory, relative, free of symlinks
  std::uint32_t kind = 0;  // S_IFMT bits
  std::uint64_t size = 0;  // bytes

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("declared", self.declared);
    visit("path", self.path);
    visit("kind", self.kind);
    visit("size", self.size);
  }
};

// Looks for a declared output in the root whose directory is `root`, after the task's processes are
// gone. Nothing: it does not exist, or lies in /proc or /dev.
std::optional<WrittenOutput> find_output(int root, const std::string& declared);

struct CollectedOutput {
  std::string path;        // as declared
  UniqueFd file;           // open for reading, at its beginning; a regular file
  std::uint32_t mode = 0;  // permission bits
  std::uint64_t size = 0;  // bytes
};

// Opens each of `outputs` below `upper`. Follows no symlink, never blocks on a FIFO, never leaves
// `upper`. Of what the command left in an output's place only regular files come back: anything
// else is the command's own doing, and no fault of the node. Blocking; thread-safe. The files stay
// readable after the workspace is released.
Result<std::vector<CollectedOutput>> collect_outputs(const std::filesystem::path& upper,
                                                     const std::vector<WrittenOutput>& outputs);

}  // namespace kiln::worker
