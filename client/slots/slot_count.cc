#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include <sched.h>
#include <sys/sysinfo.h>

#include "client/slots/local_slots.h"
#include "common/base/files.h"

namespace kiln::client {
namespace {

constexpr std::uint64_t kMemoryPerSlot = 1ULL << 30;

// The leading number of a cgroup file's text; nullopt for "max" and whatever is no number.
std::optional<std::uint64_t> leading_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc()) return std::nullopt;
  return value;
}

unsigned usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // Fails on machines with more than 1024 processors, where one core less or more is no matter.
  unsigned cores = ::sched_getaffinity(0, sizeof set, &set) == 0
                       ? static_cast<unsigned>(CPU_COUNT(&set))
                       : static_cast<unsigned>(::get_nprocs());
  // "200000 100000": microseconds of CPU in each period of so many.
  const auto quota = read_file("/sys/fs/cgroup/cpu.max");
  if (!quota) return cores;
  const std::size_t space = quota->find(' ');
  if (space == std::string::npos) return cores;
  const auto used = leading_number(*quota);
  const auto period = leading_number(std::string_view(*quota).substr(space + 1));
  if (used && period && *period > 0) {
    cores = static_cast<unsigned>(std::min<std::uint64_t>(cores, *used / *period));
  }
  return cores;
}

std::uint64_t usable_memory_bytes() {
  struct sysinfo info {};
  std::uint64_t bytes = std::numeric_limits<std::uint64_t>::max();
  if (::sysinfo(&info) == 0) bytes = static_cast<std::uint64_t>(info.totalram) * info.mem_unit;
  if (const auto text = read_file("/sys/fs/cgroup/memory.max")) {
    bytes = std::min(bytes, leading_number(*text).value_or(bytes));
  }
  return bytes;
}

}  // namespace

unsigned default_slot_count() {
  const std::uint64_t by_memory = usable_memory_bytes() / kMemoryPerSlot;
  const auto count = std::min<std::uint64_t>(usable_cores(), by_memory);
  return static_cast<unsigned>(std::max<std::uint64_t>(count, 1));
}

}  // namespace kiln::client
