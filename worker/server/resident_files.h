// Files that stay in the page cache as long as somebody wants them there.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kiln::worker {

// Maps files into this process and unmaps them at its end.
class ResidentFiles {
 public:
  // Blocks until they are read. `files` are paths in one of the trees `roots`, and symlinks on the
  // way stay in it; what is not there is left out. `hold` keeps the trees.
  ResidentFiles(std::shared_ptr<const void> hold, const std::vector<std::filesystem::path>& roots,
                const std::vector<std::string>& files);
  ~ResidentFiles();
  ResidentFiles(const ResidentFiles&) = delete;
  ResidentFiles& operator=(const ResidentFiles&) = delete;

  std::size_t count() const { return mappings_.size(); }

 private:
  std::shared_ptr<const void> hold_;
  std::vector<std::pair<void*, std::size_t>> mappings_;  // with their bytes
};

}  // namespace kiln::worker
