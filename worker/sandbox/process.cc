#include "worker/sandbox/process.h"

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <sstream>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/files.h"
#include "common/base/unique_fd.h"

namespace kiln::worker {
namespace {

// What is larger is no memory that is used but room for it (a sanitizer's shadow).
constexpr std::uint64_t kMostOwned = std::uint64_t{16} << 20U;

}  // namespace

void close_all_but(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  unsigned from = 3;
  for (const int fd : kept) {
    if (fd < 3) continue;
    const auto number = static_cast<unsigned>(fd);
    if (number > from) ::close_range(from, number - 1, 0);
    from = number + 1;
  }
  ::close_range(from, ~0U, 0);
}

bool die_with_parent(int parent) {
  return ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && ::getppid() == parent;
}

void own_memory() {
  const UniqueFd file(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return;
  auto text = read_all(file.get());
  if (!text) return;
  std::istringstream lines(std::move(*text));
  std::string range, access, rest;
  while (lines >> range >> access && std::getline(lines, rest)) {
    void* begin = nullptr;
    void* end = nullptr;
    if (std::sscanf(range.c_str(), "%p-%p", &begin, &end) != 2) continue;
    const auto size = static_cast<std::size_t>(static_cast<char*>(end) - static_cast<char*>(begin));
    if (access.size() < 4 || access[0] != 'r' || access[3] != 'p' || size > kMostOwned) continue;
    const int advice = access[1] == 'w' ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
    ::madvise(begin, size, advice);
  }
}

std::string describe_status(int status) {
  if (WIFEXITED(status)) return "exited with " + std::to_string(WEXITSTATUS(status));
  const int number = WTERMSIG(status);
  return "was killed by signal " + std::to_string(number) + " (" + ::strsignal(number) + ")";
}

}  // namespace kiln::worker
