// A worker's store is its alone: who has the directory, by a lock that ends with the process.
#pragma once

#include <filesystem>
#include <utility>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln::worker {

class StoreLock {
 public:
  StoreLock() = default;  // of nothing

  // Makes `directory` and locks it; Errc::already_exists when another process has it.
  static Result<StoreLock> take(const std::filesystem::path& directory);

  // The same for the first of `pool`/0, `pool`/1, … that nobody has. So a worker that comes back
  // finds the blobs of one before it, where several share a disk that none of them has a name on:
  // the replicas of a container service. Errc::resource_exhausted when kStores of them are taken.
  static Result<StoreLock> take_first(const std::filesystem::path& pool);
  static constexpr int kStores = 1000;

  const std::filesystem::path& directory() const { return directory_; }

 private:
  StoreLock(std::filesystem::path directory, UniqueFd lock)
      : directory_(std::move(directory)), lock_(std::move(lock)) {}

  std::filesystem::path directory_;
  UniqueFd lock_;
};

}  // namespace kiln::worker
