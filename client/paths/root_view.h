// Which tree of files a process sees: two that differ here may mean different files by one path.
#pragma once

#include <cstdint>

namespace kiln::client {

struct RootView {
  std::uint64_t device = 0;  // of "/"
  std::uint64_t inode = 0;   // likewise
  // Inode of the mount namespace; 0 where /proc does not tell.
  std::uint64_t mount_namespace = 0;

  friend bool operator==(const RootView&, const RootView&) = default;
};

// That of this process.
RootView own_root_view();

// Whether they see the same tree, as far as is known: what is 0 in one of them decides nothing.
bool same_root(const RootView& one, const RootView& other);

}  // namespace kiln::client
