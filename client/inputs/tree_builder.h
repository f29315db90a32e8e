// Builds the tree of a task's inputs from paths, the way the kernel will walk them.
//
// A compiler sees paths, not files: "/src/link/../a.h" needs the symlink "link", what it points to,
// and that directory's parent. So every path is walked component by component, each symlink on the
// way is entered with its own target, and the walk goes on behind it. What is not walked is not in
// the tree.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/inputs/file_digest_cache.h"
#include "client/inputs/file_system.h"
#include "common/base/digest.h"
#include "common/base/result.h"

namespace kiln::client {

// A file whose bytes the task needs.
struct InputFile {
  Digest digest;
  std::string path;        // absolute, without symlinks
  std::uint64_t size = 0;  // bytes
};

struct InputTree {
  Digest root;
  std::vector<std::pair<Digest, std::string>> listings;  // encoded; the root's is last; unique
  std::vector<InputFile> files;                          // unique by digest
  std::uint64_t file_count = 0;                          // names in the tree
  std::uint64_t bytes = 0;                               // of `files`
};

// Not thread-safe; made for one task. Asks the file system once for each path.
class TreeBuilder {
 public:
  // `files` and `digests` outlive the builder. `cwd` is absolute and is itself added.
  TreeBuilder(const FileSystem& files, FileDigestCache& digests, std::string cwd);
  ~TreeBuilder();
  TreeBuilder(const TreeBuilder&) = delete;
  TreeBuilder& operator=(const TreeBuilder&) = delete;

  // Adds a regular file. Relative paths are seen from cwd. Errc::not_found when it is missing,
  // Errc::unsupported when it is neither a file nor a symlink to one.
  Status add_file(const std::string& path);

  // Adds a directory without its content. One that is missing is left out: compilers ignore it too.
  // So is a path that leads to a file.
  Status add_directory(const std::string& path);

  // The tree of all that was added. The builder is used up.
  Result<InputTree> finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kiln::client
