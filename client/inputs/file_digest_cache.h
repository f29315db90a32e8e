// Digests of files that have not changed since they were hashed.
//
// A file is known by device, inode, size, mtime and ctime, so one that is reached by several paths
// is hashed once. That is not enough when it was changed within the clock's grain of being hashed:
// the next change could leave all of them as they are. So, as git does for "racily clean" entries,
// a digest is kept only when the file was at least two seconds old when it was read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "client/inputs/file_system.h"
#include "common/base/digest.h"
#include "common/base/result.h"

namespace kiln::client {

// Thread-safe. Two threads may hash one file at the same time; they agree.
class FileDigestCache {
 public:
  // `files` outlives the cache. At most `capacity` files are remembered; when it is full, all are
  // forgotten: a build's working set fits, and a rare re-hash is cheaper than an order of use.
  explicit FileDigestCache(const FileSystem& files, std::size_t capacity = 1U << 18U);

  // The digest of the regular file at `path`, of which `status` was just asked. Errc::unavailable
  // when the file's size changes while it is read. Where the file had to be read, `content` gets
  // what was hashed; else it stays as it is.
  Result<Digest> digest(const std::string& path, const FileStatus& status,
                        std::optional<std::string>* content = nullptr);

  // How many digests had to be computed so far.
  std::uint64_t computed() const;

 private:
  struct Known {
    FileStatus status;
    Digest digest;
  };

  const FileSystem& files_;
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, Known> known_;  // by device, inode
  std::uint64_t computed_ = 0;
};

}  // namespace kiln::client
