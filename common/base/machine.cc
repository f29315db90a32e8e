#include "common/base/machine.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <sstream>

#include <sched.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "common/base/files.h"

namespace kiln {
namespace {

// Inside a container the path of /proc/self/cgroup may not exist; then the mount's root is the
// cgroup.
std::optional<std::string> cgroup_file(const std::string& controller, const std::string& file) {
  const auto groups = read_file("/proc/self/cgroup");
  if (!groups) return std::nullopt;
  const auto path = cgroup_path(*groups, controller);
  if (!path) return std::nullopt;
  const std::string base = "/sys/fs/cgroup" + (controller.empty() ? "" : "/" + controller);
  for (const auto& candidate : {base + *path + "/" + file, base + "/" + file}) {
    if (auto content = read_file(candidate)) return std::move(*content);
  }
  return std::nullopt;
}

std::optional<double> number(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(text->c_str(), &end);
  if (end == text->c_str()) return std::nullopt;
  return value;
}

std::optional<double> quota_cores() {
  if (const auto both = cgroup_file("", "cpu.max")) {
    std::istringstream parts(*both);
    std::string quota;
    double period = 0;
    if (parts >> quota >> period && quota != "max" && period > 0)
      return std::strtod(quota.c_str(), nullptr) / period;
    return std::nullopt;
  }
  const auto quota = number(cgroup_file("cpu", "cpu.cfs_quota_us"));
  const auto period = number(cgroup_file("cpu", "cpu.cfs_period_us"));
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return *quota / *period;
}

}  // namespace

std::optional<std::string> cgroup_path(std::string_view groups, std::string_view controller) {
  std::istringstream lines{std::string(groups)};
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::istringstream names(line.substr(first + 1, second - first - 1));
    std::string name;  // version 2 has none, and is named so
    do {
      std::getline(names, name, ',');
      if (name == controller) return line.substr(second + 1);
    } while (names.good());
  }
  return std::nullopt;
}

std::uint32_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  double cores = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  if (const auto quota = quota_cores()) cores = std::min(cores, std::ceil(*quota));
  return static_cast<std::uint32_t>(std::max(1.0, cores));
}

std::uint64_t usable_memory_bytes() {
  struct sysinfo info {};
  ::sysinfo(&info);
  std::uint64_t bytes = std::uint64_t{info.totalram} * info.mem_unit;
  auto limit = number(cgroup_file("", "memory.max"));
  if (!limit) limit = number(cgroup_file("memory", "memory.limit_in_bytes"));
  if (limit && *limit > 0 && *limit < static_cast<double>(bytes))
    bytes = static_cast<std::uint64_t>(*limit);
  return bytes;
}

std::uint64_t available_memory_bytes() {
  const auto content = read_file("/proc/meminfo");
  if (!content) return 0;
  const auto at = content->find("MemAvailable:");
  if (at == std::string::npos) return 0;
  return std::strtoull(content->c_str() + at + 13, nullptr, 10) * 1024;
}

double load_average() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? load : 0;
}

std::string architecture() {
  utsname name{};
  return ::uname(&name) == 0 ? name.machine : "unknown";
}

std::string host_name() {
  utsname name{};
  return ::uname(&name) == 0 ? name.nodename : "localhost";
}

std::uint64_t random_epoch() {
  std::uint64_t value = 0;
  while (value == 0) {
    if (::getrandom(&value, sizeof value, 0) != sizeof value) value = 0;
  }
  return value;
}

}  // namespace kiln
