// From digests to directories on disk that can be lower layers of a task's root.
//
//   DIR/toolchains/<digest>/   a whole toolchain tree, complete before it gets its name
//   DIR/trees/<key>/           one top-level entry of an input tree ("usr", "home"), assembled
//   DIR/instances/<number>     a file as one path of a root sees it: content, mtime, mode
//   DIR/staging/               trees being built; emptied at start
//   DIR/spare/                 empty directories for the next trees
//
// Compilers look at identity: distinct paths must be distinct inodes even when they have one
// content, and mtimes belong to inodes. So the files of trees are hard links to instances, one per
// (absolute path, digest, mtime, mode); the same path in the next task's tree is then a link and no
// copy. Paths of one link group (one inode on the client) share an instance. The first instance of
// a blob is the blob's own file, linked; only further ones are copies.
//
// A blob that finds no room in the store, because staged toolchains pin theirs, has the least
// recently used idle toolchain evicted.
//
// Input trees are cut at the root's entries, so that the /usr headers which many tasks share are
// assembled once. Input trees and instances are a cache of the process: they are dropped at start.
// Toolchains are kept over an orderly restart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "common/base/digest.h"
#include "common/base/result.h"
#include "common/store/blob_store.h"

namespace kiln::worker {

// Directories that stay on disk, unchanged, while this lives. Movable, usable from any thread; the
// stager must outlive it.
struct StagedTree {
  // To be stacked in any order: no two hold the same path, apart from the root itself.
  std::vector<std::filesystem::path> lowers;
  std::shared_ptr<const void> hold;
  std::uint64_t bytes = 0;  // content of a toolchain's files
};

struct StagedToolchain {
  Digest digest;
  std::uint64_t bytes = 0;  // content of its files
  bool in_use = false;
};

// Thread-safe. Every function blocks on the disk: call it on a ThreadPool.
class TreeStager {
 public:
  struct Options {
    std::filesystem::path directory;  // on the file system of the blob store, else all is copied
    std::size_t tree_limit = 4096;    // assembled input trees kept
    std::uint64_t instance_limit_bytes = 4ULL << 30U;    // content of instances kept
    std::uint64_t toolchain_limit_bytes = 16ULL << 30U;  // content of staged toolchains
    std::size_t entry_limit = 200'000;                   // entries of one tree, all levels
    std::uint32_t links_per_instance = 30'000;           // below what file systems allow
    std::size_t spare_directories = 512;                 // made ahead, see directory_pool.h
  };

  // `store` must outlive the stager, which is asked by it to give up pins.
  static Result<std::unique_ptr<TreeStager>> open(Options options, store::BlobStore& store);
  ~TreeStager();
  TreeStager(const TreeStager&) = delete;
  TreeStager& operator=(const TreeStager&) = delete;

  // Content that may be a listing of trees to come, and has the digest: it need not be read from
  // the store then. Whatever is no listing is ignored.
  void learn_listing(const Digest& digest, std::string_view content);

  // The listings and blobs that staging the input tree `root` lacks, each once, as far as the
  // listings at hand tell: fetch them and ask again until nothing is missing. What an assembled
  // tree holds already is not missing. Errc::corrupt for a blob that should be a listing and is
  // not, Errc::invalid_argument for a tree that is too deep or too large, also for one whose files
  // can never be in the store together, beside `beside_bytes` of others.
  Result<std::vector<Digest>> missing_inputs(const Digest& root, std::uint64_t beside_bytes = 0);
  // The same for the toolchain `root`.
  Result<std::vector<Digest>> missing_toolchain(const Digest& root);

  // Assembles what is not there yet. Errc::not_found when a blob is missing (it may have been
  // evicted since missing_*: ask again), Errc::resource_exhausted when the disk is full.
  // The empty digest is the empty tree: no lowers.
  Result<StagedTree> stage_inputs(const Digest& root);
  // One lower. Two callers of one digest share the work.
  Result<StagedTree> stage_toolchain(const Digest& root);

  bool is_staged(const Digest& toolchain) const;
  // The staged toolchains, by digest.
  std::vector<StagedToolchain> toolchains() const;
  // Errc::not_found when it is not staged, Errc::unavailable while a task uses it.
  Status evict_toolchain(const Digest& root);

  // Waits until what was evicted is off the disk.
  void settle();

  struct Counters {
    std::uint64_t trees = 0;      // assembled input trees now
    std::uint64_t instances = 0;  // now
    std::uint64_t instance_bytes = 0;
    std::uint64_t toolchains = 0;  // staged now
    std::uint64_t toolchain_bytes = 0;
    std::uint64_t trees_built = 0;   // these only grow
    std::uint64_t trees_reused = 0;  // times an assembled tree served again
    std::uint64_t trees_evicted = 0;
    std::uint64_t files_linked = 0;  // blobs that became instances without a copy
    std::uint64_t files_copied = 0;
  };
  Counters counters() const;

 private:
  class Impl;
  explicit TreeStager(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kiln::worker
