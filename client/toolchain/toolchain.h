// A toolchain: the tree of files that a compiler needs to run, named by its digest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/arguments/classify.h"
#include "client/inputs/file_digest_cache.h"
#include "client/inputs/tree_builder.h"
#include "client/toolchain/package.h"
#include "common/base/digest.h"
#include "common/base/result.h"

namespace kiln::client {

struct Toolchain {
  Digest root;
  std::optional<CompilerFamily> family;  // nullopt: a program of `kiln run`
  std::string version;                   // first line of --version
  std::string target;                    // -dumpmachine
  std::string architecture;              // of machines that can run it, as uname -m
  std::string program;                   // absolute path of the command, also inside the root
  std::vector<std::pair<Digest, std::string>> listings;  // encoded; the root's is last; unique
  std::vector<InputFile> files;                          // unique by digest
  std::uint64_t file_count = 0;                          // names in the tree
  std::uint64_t size_bytes = 0;                          // of `files`
};

// The tree of `list`. Nothing that differs between two machines with the same packages goes into
// it: files have mtime 0 and no link groups (compilers look at neither in their own files), so that
// equal installations have equal digests and share one staged copy. Fills all but the description
// of the compiler.
Result<Toolchain> build_toolchain(const FileList& list, const FileSystem& files,
                                  FileDigestCache& digests);

}  // namespace kiln::client
