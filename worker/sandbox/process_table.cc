#include "worker/sandbox/process_table.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "common/base/unique_fd.h"

namespace kiln::worker {
namespace {

// The second number of /proc/PID/statm, in pages; 0 for a process that has just gone.
std::uint64_t resident_pages(int proc, const char* pid) {
  const UniqueFd fd(::openat(proc, (std::string(pid) + "/statm").c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 128> text{};
  if (!fd.valid() || ::read(fd.get(), text.data(), text.size() - 1) <= 0) return 0;
  char* rest = nullptr;
  std::strtoull(text.data(), &rest, 10);
  return std::strtoull(rest, nullptr, 10);
}

}  // namespace

ProcessTable::ProcessTable() : proc_(::opendir("/proc")) {}

std::uint64_t ProcessTable::resident_bytes() const {
  if (!proc_) return 0;
  std::uint64_t pages = 0;
  ::rewinddir(proc_.get());
  while (const auto* entry = ::readdir(proc_.get())) {
    const std::string_view name = entry->d_name;
    if (name[0] < '1' || name[0] > '9' || name == "1") continue;
    pages += resident_pages(::dirfd(proc_.get()), entry->d_name);
  }
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace kiln::worker
