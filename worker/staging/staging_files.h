// The file operations of staging, relative to directory descriptors, so that no name or symlink of
// a listing can lead anywhere but into the directory at hand.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/model/tree.h"

namespace kiln::worker {

// Opens a directory for use with openat and its like.
Result<UniqueFd> open_directory(const std::filesystem::path& path);

Result<UniqueFd> open_directory_at(int parent, const std::string& name);

// Makes the directory `name` in `parent`, mode 0755 whatever the umask, and opens it.
Result<UniqueFd> make_directory_at(int parent, const std::string& name);

// Removes `path` with all below it, then makes it an empty directory.
Status make_empty_directory(const std::filesystem::path& path);

// The mode that a file of a listing gets in a task's root. Tasks run as another user than the
// worker: what its owner can read or execute on the client, all can. Set-user-ID and its like are
// dropped: no client may have programs run as the worker's user.
unsigned staged_mode(std::uint32_t listed);

// Gives the file behind `fd` the mode and mtime that `entry` lists.
Status set_attributes(int fd, const TreeEntry& entry);

// Copies the content of `from` into `to`, sharing extents where the file system can.
Status copy_content(int from, int to);

// Content bytes of all files below `path`.
Result<std::uint64_t> bytes_below(const std::filesystem::path& path);

}  // namespace kiln::worker
