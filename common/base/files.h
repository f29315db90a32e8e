// Whole-file operations that report errors as values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln {

// The content of a file. Errors name the path.
Result<std::string> read_file(const std::filesystem::path& path);

// Writes through a temporary file in the same directory and a rename, so that readers see the old
// content or the new, never a part. `mode` is exact: the umask does not apply. No fsync.
Status write_file_atomically(const std::filesystem::path& path, std::string_view content,
                             unsigned mode);

// Makes `path` and its parents, mode 0755 less umask; no error when it is there.
Status make_directories(const std::filesystem::path& path);

// Writes all of `content` to `fd`, going on after short writes and EINTR.
Status write_all(int fd, std::string_view content);

// Reads until end of file.
Result<std::string> read_all(int fd);

}  // namespace kiln
