// A directory of one test, removed with all its content.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/files.h"

namespace kiln::client {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string path =
        (std::filesystem::canonical(std::filesystem::temp_directory_path()) / "kiln-test-XXXXXX")
            .string();
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    path_ = path;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  std::string string() const { return path_.string(); }

  // Writes a file, with its directories, and returns its path.
  std::string write(std::string_view name, std::string_view content, unsigned mode = 0644) const {
    const auto path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    if (!write_file_atomically(path, content, mode)) std::abort();
    return path.string();
  }
  // Makes a symlink, with its directories, and returns its path.
  std::string link(std::string_view name, const std::filesystem::path& target) const {
    const auto path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::filesystem::create_symlink(target, path);
    return path.string();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace kiln::client
