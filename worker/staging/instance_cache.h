// Instances: files as one path of a root sees them. Trees hold hard links to them.
//
// A blob is shared by every path with its content, but distinct paths must be distinct inodes, and
// mtime and mode belong to the inode. So there is one instance per (path, digest, mtime, mode). As
// long as nothing else links to a blob's own inode (its link count is 1) that inode becomes the
// instance; else the content is copied. A claimed inode stays claimed while any tree links to it,
// because the link count shows it, whoever made the link.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/digest.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/model/tree.h"
#include "common/store/blob_store.h"

namespace kiln::worker {

// Thread-safe.
class InstanceCache {
 public:
  // `directory` is emptied; `links` is how often one instance is linked at most.
  static Result<std::unique_ptr<InstanceCache>> open(const std::filesystem::path& directory,
                                                     std::uint32_t links, store::BlobStore& store);

  // What tells instances apart.
  struct Key {
    Digest digest;
    std::int64_t mtime_ns = 0;
    unsigned mode = 0;  // as staged
    std::uint64_t link_group = 0;
    std::string place;  // the path, or of a link group the scope

    friend bool operator==(const Key&, const Key&) = default;
  };

  struct Instance {
    Key key;
    std::string name;  // in the directory
    std::uint64_t size = 0;
    std::uint32_t users = 0;                    // trees
    std::uint32_t links = 0;                    // made so far
    bool listed = false;                        // false: replaced, goes with its last user
    std::list<Instance*>::iterator idle_place;  // valid while listed and without users
  };

  // The instances that a tree keeps; given back on destruction.
  class Uses {
   public:
    explicit Uses(InstanceCache& cache) : cache_(cache) {}
    ~Uses();
    Uses(const Uses&) = delete;
    Uses& operator=(const Uses&) = delete;

   private:
    friend class InstanceCache;
    InstanceCache& cache_;
    std::vector<std::shared_ptr<Instance>> instances_;
  };

  // Links the instance of `entry`, which is at `path` of its root, as `entry.name` into the
  // directory `parent`. `scope` tells apart the link groups of unrelated trees. Errc::not_found
  // when the blob is not in the store.
  Status link(const TreeEntry& entry, std::string_view path, std::string_view scope, int parent,
              Uses& uses);

  // Removes the least recently used instance without users; false when there is none.
  bool evict_one();

  std::uint64_t bytes() const;

  struct Counters {
    std::uint64_t instances = 0;
    std::uint64_t bytes = 0;
    std::uint64_t linked = 0;
    std::uint64_t copied = 0;
  };
  Counters counters() const;

 private:
  using Handle = std::shared_ptr<Instance>;

  InstanceCache(std::filesystem::path directory, UniqueFd fd, std::uint32_t links,
                store::BlobStore& store);
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };

  Result<Handle> acquire(const Key& key, const TreeEntry& entry);
  Handle find(const Key& key);
  Result<Handle> make(const Key& key, const TreeEntry& entry);
  // Whether the blob's own inode could be had as the instance `name`.
  Result<bool> claim(int blob, const std::filesystem::path& path, const TreeEntry& entry,
                     const std::string& name);
  Status copy(int blob, const TreeEntry& entry, const std::string& name);
  void retire(const Handle& instance);
  void release(const std::vector<Handle>& instances);
  void remove_file(const Instance& instance);

  const std::filesystem::path directory_;
  const UniqueFd fd_;
  const std::uint32_t link_limit_;
  store::BlobStore& store_;
  std::atomic<std::uint64_t> next_name_ = 0;
  // One of them is held, by the blob's digest, while an instance is made: a blob's link count is
  // read and its inode claimed by one thread at a time.
  std::array<std::mutex, 64> making_;
  mutable std::mutex mutex_;  // guards what follows
  std::unordered_map<Key, Handle, KeyHash> instances_;
  std::list<Instance*> idle_;  // without users, the least recently used first
  Counters counters_;
};

}  // namespace kiln::worker
