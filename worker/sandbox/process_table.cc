#include "worker/sandbox/process_table.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

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

ProcessTable::ProcessTable(int root, std::vector<pid_t> others) : others_(std::move(others)) {
  UniqueFd fd(::openat(root, "proc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd.valid()) proc_.reset(::fdopendir(fd.get()));
  if (proc_) fd.release();
}

std::vector<pid_t> ProcessTable::processes() const {
  std::vector<pid_t> found;
  if (!proc_) return found;
  ::rewinddir(proc_.get());
  while (const auto* entry = ::readdir(proc_.get())) {
    const pid_t pid = std::atoi(entry->d_name);
    if (pid <= 1 || std::find(others_.begin(), others_.end(), pid) != others_.end()) continue;
    found.push_back(pid);
  }
  return found;
}

std::uint64_t ProcessTable::resident_bytes() const {
  std::uint64_t pages = 0;
  for (const pid_t pid : processes()) {
    pages += resident_pages(::dirfd(proc_.get()), std::to_string(pid).c_str());
  }
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void ProcessTable::signal_all(int number) const {
  for (const pid_t pid : processes()) ::kill(pid, number);
}

}  // namespace kiln::worker
