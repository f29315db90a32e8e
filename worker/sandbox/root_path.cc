#include "worker/sandbox/root_path.h"

#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace kiln::worker {
namespace {

constexpr int kTries = 1'000;

// As this process sees it; empty when it has none.
std::string path_of(int fd) {
  std::array<char, PATH_MAX> path{};
  const auto link = "/proc/self/fd/" + std::to_string(fd);
  const auto length = ::readlink(link.c_str(), path.data(), path.size());
  return length <= 0 ? std::string() : std::string(path.data(), static_cast<std::size_t>(length));
}

}  // namespace

UniqueFd open_in_root(int root, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  // EAGAIN: something was mounted or renamed, anywhere on the machine, while a ".." of the path was
  // followed (openat2(2)).
  long fd = -1;
  for (int tries = 0; tries < kTries && fd < 0; ++tries) {
    fd = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
    if (fd < 0 && errno != EAGAIN) break;
  }
  return UniqueFd(static_cast<int>(fd));
}

std::optional<std::string> path_below(int root, int place) {
  const auto top = path_of(root);
  auto path = path_of(place);
  if (top.empty() || !path.starts_with(top)) return std::nullopt;
  path.erase(0, top.size());
  if (path.starts_with('/')) path.erase(0, 1);
  return path;
}

}  // namespace kiln::worker
