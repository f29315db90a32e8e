// Directory trees by digest. A directory is a sorted listing; a tree is named by its root listing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/digest.h"

namespace kiln {

enum class EntryKind : std::uint8_t { file, directory, symlink };

// One name in a directory, with everything about it that a compiler can see.
struct TreeEntry {
  std::string name;  // one path component: not empty, no '/', not "." or ".."
  EntryKind kind = EntryKind::file;
  std::uint32_t mode = 0644;     // permission bits only (07777)
  std::int64_t mtime_ns = 0;     // files: nanoseconds since the Unix epoch, as on the client
  std::uint64_t size = 0;        // files: bytes
  Digest digest;                 // files: of the content; directories: of the encoded listing
  std::string target;            // symlinks: as readlink gives it
  std::uint64_t link_group = 0;  // files with the same non-zero number are one inode on the client

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("name", self.name);
    visit("kind", self.kind);
    visit("mode", self.mode);
    visit("mtime_ns", self.mtime_ns);
    visit("size", self.size);
    visit("digest", self.digest);
    visit("target", self.target);
    visit("link_group", self.link_group);
  }
  friend bool operator==(const TreeEntry&, const TreeEntry&) = default;
};

// Entries are sorted by name and unique, so that equal directories have equal digests.
struct Directory {
  std::vector<TreeEntry> entries;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("entries", self.entries);
  }
  friend bool operator==(const Directory&, const Directory&) = default;
};

}  // namespace kiln
