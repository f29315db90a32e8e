#include "worker/server/resident_files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/unique_fd.h"

namespace kiln::worker {
namespace {

// As a process whose root is `root` would find it.
UniqueFd open_in(int root, const std::string& file) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_IN_ROOT;
  return UniqueFd(static_cast<int>(::syscall(SYS_openat2, root, file.c_str(), &how, sizeof how)));
}

}  // namespace

ResidentFiles::ResidentFiles(std::shared_ptr<const void> hold,
                             const std::vector<std::filesystem::path>& roots,
                             const std::vector<std::string>& files)
    : hold_(std::move(hold)) {
  for (const auto& root : roots) {
    const UniqueFd tree(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (const auto& path : files) {
      const UniqueFd file = open_in(tree.get(), path);
      struct stat facts {};
      if (!file.valid() || ::fstat(file.get(), &facts) != 0) continue;
      if (!S_ISREG(facts.st_mode) || facts.st_size == 0) continue;
      const auto bytes = static_cast<std::size_t>(facts.st_size);
      void* at = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, file.get(), 0);
      if (at != MAP_FAILED) mappings_.emplace_back(at, bytes);
    }
  }
}

ResidentFiles::~ResidentFiles() {
  for (const auto& [at, bytes] : mappings_) ::munmap(at, bytes);
}

}  // namespace kiln::worker
