// Depth: each level of recursion holds a descriptor, and a task may nest directories without end.
// What lies deeper than kDepth is therefore moved up to the top and removed from there.
#include "worker/sandbox/removal.h"

#include <cerrno>
#include <memory>
#include <string>
#include <thread>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/time.h"
#include "common/base/unique_fd.h"

namespace kiln::worker {
namespace {

constexpr int kDepth = 64;
constexpr auto kPatience = seconds(2);

struct Closer {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Listing = std::unique_ptr<DIR, Closer>;

class Remover {
 public:
  explicit Remover(int top) : top_(top) {}

  // Removes what `directory` holds; false: something stayed, errno says why.
  bool empty(int directory, int depth) {
    const int copy = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return false;
    const Listing listing(::fdopendir(copy));
    if (!listing) return false;
    int problem = 0;
    while (const auto* entry = ::readdir(listing.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (!remove(directory, entry->d_name, depth)) problem = errno;
    }
    errno = problem;
    return problem == 0;
  }

  // How often something was moved up: the work that the next round has for sure.
  std::uint64_t moved() const { return moved_; }

 private:
  bool remove(int directory, const char* name, int depth) {
    if (::unlinkat(directory, name, 0) == 0 || errno == ENOENT) return true;
    if (errno != EISDIR && errno != EPERM) return false;
    if (::unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return true;
    if (errno != ENOTEMPTY && errno != EEXIST) return false;
    const UniqueFd inner = open_to_empty(directory, name);
    if (!inner.valid()) return false;
    if (depth >= kDepth) {
      const auto place = ".deep" + std::to_string(moved_++);
      return ::renameat(directory, name, top_, place.c_str()) == 0;
    }
    return empty(inner.get(), depth + 1) && ::unlinkat(directory, name, AT_REMOVEDIR) == 0;
  }

  static UniqueFd open_to_empty(int directory, const char* name) {
    // By descriptor: the mode is changed of the very directory that is emptied.
    const UniqueFd place(::openat(directory, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC));
    if (!place.valid()) return UniqueFd();
    const auto link = "/proc/self/fd/" + std::to_string(place.get());
    struct stat info {};
    if (::fstat(place.get(), &info) == 0 && (info.st_mode & S_IRWXU) != S_IRWXU) {
      ::chmod(link.c_str(), S_IRWXU);
    }
    return UniqueFd(::open(link.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }

  int top_;
  std::uint64_t moved_ = 0;
};

bool is_empty(int directory) {
  const int copy = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const Listing listing(copy < 0 ? nullptr : ::fdopendir(copy));
  if (!listing) return false;
  while (const auto* entry = ::readdir(listing.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return false;
  }
  return true;
}

}  // namespace

Status empty_directory(const std::filesystem::path& directory) {
  const UniqueFd top(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!top.valid()) return fail_errno("cannot open the directory " + directory.string(), errno);
  auto deadline = Clock::now() + kPatience;
  Remover remover(top.get());
  while (true) {
    const auto moved = remover.moved();
    const bool removed = remover.empty(top.get(), 0);
    const int problem = errno;
    if (removed && is_empty(top.get())) return {};
    if (remover.moved() > moved) deadline = Clock::now() + kPatience;
    if (Clock::now() > deadline) {
      return fail_errno("cannot empty the directory " + directory.string(), problem);
    }
    if (!removed) std::this_thread::sleep_for(milliseconds(2));  // its writers are dying
  }
}

Status remove_tree(const std::filesystem::path& path) {
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return {};
  KILN_TRY(empty_directory(path));
  if (::rmdir(path.c_str()) != 0) return fail_errno("cannot remove " + path.string(), errno);
  return {};
}

}  // namespace kiln::worker
