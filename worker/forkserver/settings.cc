#include "worker/forkserver/settings.h"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/unique_fd.h"

namespace kiln::worker {
namespace {

constexpr int kOneProcess = 1;  // ioprio's

// Empty when the process is gone.
std::string text_of(pid_t pid, const char* file, int proc) {
  const auto path = std::to_string(pid) + "/" + file;
  const UniqueFd fd(::openat(proc, path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> text;
  const auto count = fd.valid() ? ::read(fd.get(), text.data(), text.size()) : 0;
  return std::string(text.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
}

bool is_stopped(pid_t pid, int proc) {
  const auto line = text_of(pid, "stat", proc);
  const auto name_ends = line.rfind(") ");
  return name_ends == std::string::npos ||
         std::string("TtZXx").find(line.at(name_ends + 2)) != std::string::npos;
}

}  // namespace

std::optional<ProcessSettings> settings_of(pid_t pid, int proc) {
  if (is_stopped(pid, proc)) return std::nullopt;
  ProcessSettings settings;
  settings.limits = text_of(pid, "limits", proc);
  settings.processors.resize(1024);  // bytes: of more processors than a kernel can be built for
  const auto size =
      ::syscall(SYS_sched_getaffinity, pid, settings.processors.size(), settings.processors.data());
  if (size < 0) return std::nullopt;
  errno = 0;
  settings.niceness = ::getpriority(PRIO_PROCESS, static_cast<id_t>(pid));
  if (errno != 0) return std::nullopt;
  settings.policy = ::sched_getscheduler(pid);
  settings.input_output_class = static_cast<int>(::syscall(SYS_ioprio_get, kOneProcess, pid));
  return settings;
}

}  // namespace kiln::worker
