// Builds one tree into a fresh directory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "common/base/result.h"
#include "common/model/tree.h"
#include "worker/staging/directory_pool.h"
#include "worker/staging/instance_cache.h"
#include "worker/staging/listing_reader.h"

namespace kiln::worker {

// Used once. A half-built tree after an error is the caller's to remove.
class TreeBuilder {
 public:
  // `scope`: see InstanceCache::link. The instances used are added to `uses`.
  TreeBuilder(ListingReader& listings, DirectoryPool& directories, InstanceCache& instances,
              InstanceCache::Uses& uses, std::string scope, std::size_t entry_limit)
      : listings_(listings),
        directories_(directories),
        instances_(instances),
        uses_(uses),
        scope_(std::move(scope)),
        entry_limit_(entry_limit) {}

  // Fills the empty directory `fd` with all that `directory`, the listing of "/", names.
  Status build(const Directory& directory, int fd) { return fill(directory, fd, 0); }

  // Content of the files made, those of one inode each time.
  std::uint64_t bytes() const { return bytes_; }

 private:
  Status fill(const Directory& directory, int fd, std::size_t depth);
  Status add(const TreeEntry& entry, int parent, std::size_t depth);

  ListingReader& listings_;
  DirectoryPool& directories_;
  InstanceCache& instances_;
  InstanceCache::Uses& uses_;
  const std::string scope_;
  const std::size_t entry_limit_;
  std::size_t entries_ = 0;
  std::uint64_t bytes_ = 0;
  std::string path_;  // in the root, of the directory at hand; empty for "/"
};

}  // namespace kiln::worker
