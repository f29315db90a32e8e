// The hermetic root of one task: an overlay over trees of the store, made by the task's init.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "worker/sandbox/identity.h"

namespace kiln::worker {

// A host's scratch directory, in the nursery's namespaces. `root` and `dev` are mount points that
// all executors share, each with its own mounts in its own mount namespace.
struct ScratchLayout {
  std::filesystem::path scratch;
  std::filesystem::path root() const { return scratch / "root"; }
  std::filesystem::path devices() const { return scratch / "dev"; }
};

// Mounts a memory file system of at most `bytes` on `scratch`, for this mount namespace only, and
// makes the mount
// points. On a disk's file system the few directories of each root, and those that overlay makes
// for itself, cost milliseconds; and what tasks leave behind is gone with the nursery. False, and
// nothing is mounted: it cannot serve as an overlay's upper directory here (tmpfs has the extended
// attributes that overlay needs in a user namespace since Linux 6.6).
Result<bool> mount_memory_scratch(const ScratchLayout& layout, const Identity& identity,
                                  std::uint64_t bytes);

struct RootPlan {
  std::filesystem::path workspace;            // made here; holds upper and work
  ScratchLayout layout;                       // devices() is mounted already
  std::vector<std::filesystem::path> lowers;  // topmost first
  std::vector<std::string> writable;  // directories in the root to give to the task, see RunRequest
  Identity identity;
};

// Detached mounts of a root that do not depend on its task; invalid where the kernel has none.
struct RootMounts {
  UniqueFd proc;
  UniqueFd devices;
};

// Makes them while there is no task yet. REQUIRES: a fresh init.
RootMounts prepare_root_mounts(const ScratchLayout& layout);

// The /proc of this process's PID namespace, mounted nowhere; invalid where the kernel cannot.
UniqueFd detached_proc();

// Makes the root at its mount point and returns its directory. REQUIRES: this process is an init
// (fork_init) with umask 0 and all its privileges.
Result<UniqueFd> make_root(const RootPlan& plan, const RootMounts& mounts = {});

// Takes away what make_root made; whoever still uses it keeps it.
Status drop_root(const ScratchLayout& layout);

// Makes the root and makes it this process's own: nothing else of the machine can be reached
// afterwards. REQUIRES: as make_root.
Status enter_root(const RootPlan& plan, const RootMounts& mounts = {});

// A read-only root of a toolchain alone, for programs that are held: `lowers`, below them what the
// root's mount point itself holds, and the /proc of this PID namespace: loaders ask it where the
// program lies ($ORIGIN). The root is mounted nowhere, so that the paths of its files, as the
// kernel tells them (/proc/self/exe), begin at it whatever root their user has. Its /proc is gone
// when the returned descriptor and its duplicates are closed. REQUIRES: an init that has no root at
// the mount point, and a directory "proc" there.
Result<UniqueFd> make_held_root(const ScratchLayout& layout,
                                const std::vector<std::filesystem::path>& lowers,
                                const Identity& identity);

}  // namespace kiln::worker
