#include "common/metrics/process_metrics.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>
#include <system_error>

#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

namespace kiln::metrics {
namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// Of this process without its children.
double cpu_seconds() {
  rusage used{};
  return ::getrusage(RUSAGE_SELF, &used) == 0
             ? seconds_of(used.ru_utime) + seconds_of(used.ru_stime)
             : 0;
}

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double total_pages = 0;
  double resident_pages = 0;
  file >> total_pages >> resident_pages;
  return resident_pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

// The one that the directory is read by is not counted.
double open_files() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  if (error) return 0;
  double count = -1;
  for (auto entry = begin(files); !error && entry != end(files); entry.increment(error)) ++count;
  return count;
}

double max_files() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return 0;
  return files.rlim_cur == RLIM_INFINITY ? std::numeric_limits<double>::infinity()
                                         : static_cast<double>(files.rlim_cur);
}

// When the machine was started, since the epoch.
double boot_seconds() {
  std::ifstream file("/proc/stat");
  std::string word;
  while (file >> word) {
    double value = 0;
    if (word == "btime" && file >> value) return value;
  }
  return 0;
}

// The 22nd field of proc(5)'s stat, in ticks since the boot; the second, a name in parentheses, may
// have anything in it.
double start_seconds() {
  std::ifstream file("/proc/self/stat");
  const std::string stat(std::istreambuf_iterator<char>(file), {});
  const auto name_end = stat.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(stat.substr(name_end + 1));
  constexpr int kFieldsBetween = 19;
  std::string field;
  for (int i = 0; i < kFieldsBetween; ++i) fields >> field;
  double ticks = 0;
  fields >> ticks;
  return boot_seconds() + ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

ProcessMetrics::ProcessMetrics(Registry& registry)
    : registry_(&registry),
      cpu_seconds_(registry.counter("process_cpu_seconds_total",
                                    "CPU of this process, without its children.")),
      resident_bytes_(registry.gauge("process_resident_memory_bytes", "Resident memory.")),
      open_files_(registry.gauge("process_open_fds", "Open file descriptors.")),
      max_files_(registry.gauge("process_max_fds", "File descriptors that may be open.")),
      start_seconds_(registry.gauge("process_start_time_seconds", "Start, since the epoch.")) {
  start_seconds_.set(start_seconds());
  refresh();
}

void ProcessMetrics::refresh() {
  const std::lock_guard lock(mutex_);
  cpu_seconds_.reach(cpu_seconds());
  resident_bytes_.set(resident_bytes());
  open_files_.set(open_files());
  max_files_.set(max_files());
}

std::string ProcessMetrics::text() {
  refresh();
  return registry_->text();
}

}  // namespace kiln::metrics
