// A temporary directory that a test writes its sources into.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "tests/support/temporary_directory.h"

namespace kiln::client {

class WrittenDirectory {
 public:
  // Without symlinks.
  std::string path() const { return std::filesystem::canonical(directory_.path()).string(); }

  // Writes a file below it, making its directories.
  void write(const std::string& name, std::string_view content) const {
    const std::filesystem::path full = directory_.path() / name;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full, std::ios::binary) << content;
  }

 private:
  test_support::TemporaryDirectory directory_;
};

}  // namespace kiln::client
