#include "client/paths/root_view.h"

#include <sys/stat.h>

namespace kiln::client {

RootView own_root_view() {
  RootView view;
  struct stat info {};
  if (::stat("/", &info) == 0) {
    view.device = info.st_dev;
    view.inode = info.st_ino;
  }
  if (::stat("/proc/self/ns/mnt", &info) == 0) view.mount_namespace = info.st_ino;
  return view;
}

bool same_root(const RootView& one, const RootView& other) {
  const auto agree = [](std::uint64_t a, std::uint64_t b) { return a == 0 || b == 0 || a == b; };
  return agree(one.device, other.device) && agree(one.inode, other.inode) &&
         agree(one.mount_namespace, other.mount_namespace);
}

}  // namespace kiln::client
