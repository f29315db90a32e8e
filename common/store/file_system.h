// The few system calls that can fail for want of space or through a bad disk, behind an interface,
// so that tests inject those failures through the door that success uses.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "common/base/result.h"

namespace kiln::store {

// Thread-safe. Errors are those of the system calls, without context.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Status write(int fd, std::string_view content) = 0;
  virtual Status rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  virtual Status remove(const std::filesystem::path& path) = 0;
};

// The machine's own.
std::unique_ptr<FileSystem> real_file_system();

}  // namespace kiln::store
