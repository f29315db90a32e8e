#include "worker/sandbox/identity.h"

#include <fstream>

#include <unistd.h>

namespace kiln::worker {
namespace {

// Whether `id` exists in this process's user namespace: not so in a rootless container that maps
// nothing but its root.
bool is_mapped(const char* map_file, std::uint64_t id) {
  std::ifstream map(map_file);
  std::uint64_t inside = 0;
  std::uint64_t outside = 0;
  std::uint64_t count = 0;
  while (map >> inside >> outside >> count) {
    if (id >= inside && id - inside < count) return true;
  }
  return false;
}

}  // namespace

Identity Identity::detect() {
  if (::geteuid() != 0) return Identity{false, ::geteuid(), ::getegid()};
  const bool mapped = is_mapped("/proc/self/uid_map", kDefaultTaskUid) &&
                      is_mapped("/proc/self/gid_map", kDefaultTaskGid);
  return Identity{mapped, kDefaultTaskUid, kDefaultTaskGid};
}

}  // namespace kiln::worker
