#include "worker/sandbox/devices.h"

#include <array>
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/base/unique_fd.h"
#include "worker/sandbox/diagnosis.h"

namespace kiln::worker {
namespace {

struct Device {
  const char* name;
  unsigned minor;  // of major 1, the memory devices
};
constexpr std::array<Device, 5> kDevices = {
    {{"null", 3}, {"zero", 5}, {"full", 7}, {"random", 8}, {"urandom", 9}}};

struct Link {
  const char* name;
  const char* target;
};
constexpr std::array<Link, 5> kLinks = {{{"fd", "/proc/self/fd"},
                                         {"stdin", "/proc/self/fd/0"},
                                         {"stdout", "/proc/self/fd/1"},
                                         {"stderr", "/proc/self/fd/2"},
                                         {"shm", "/tmp"}}};

// A node where that is allowed, else the machine's own device bound in its place.
Status make_device(const std::filesystem::path& directory, const Device& device) {
  const auto path = directory / device.name;
  if (::mknod(path.c_str(), S_IFCHR | 0666, ::makedev(1, device.minor)) == 0) return {};
  const UniqueFd place(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  const auto original = std::filesystem::path("/dev") / device.name;
  if (!place.valid() || ::mount(original.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return fail_errno("cannot bind " + original.string() + " into the /dev of tasks", errno);
  }
  return {};
}

}  // namespace

Status mount_devices(const std::filesystem::path& directory, const Identity& identity) {
  const unsigned long flags = MS_NOSUID | MS_NOEXEC;
  if (::mount("dev", directory.c_str(), "tmpfs", flags, "mode=0755,size=64k") != 0) {
    return fail(explain(SandboxStep::devices, errno, identity));
  }
  const mode_t before = ::umask(0);
  Status made;
  for (const auto& device : kDevices) {
    if (made) made = make_device(directory, device);
  }
  ::umask(before);
  KILN_TRY(std::move(made));
  for (const auto& link : kLinks) {
    if (::symlink(link.target, (directory / link.name).c_str()) != 0) {
      return fail_errno(std::string("cannot make /dev/") + link.name + " of tasks", errno);
    }
  }
  if (::mount(nullptr, directory.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | flags,
              nullptr) != 0) {
    return fail(explain(SandboxStep::devices, errno, identity));
  }
  return {};
}

}  // namespace kiln::worker
