#include "worker/sandbox/ipc_objects.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

namespace kiln::worker {
namespace {

// The file has a title, and a line for each object.
bool has_title_alone(int proc, const char* file) {
  const UniqueFd fd(::openat(proc, file, O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return errno == ENOENT;  // a kernel without them
  std::array<char, 512> text;
  const auto count = ::read(fd.get(), text.data(), text.size());
  return count > 0 && std::count(text.begin(), text.begin() + count, '\n') == 1;
}

bool is_empty(int directory) {
  const int fd = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(fd < 0 ? nullptr : ::fdopendir(fd),
                                                    &::closedir);
  if (!listing) return false;
  while (const auto* entry = ::readdir(listing.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return false;
  }
  return true;
}

}  // namespace

Result<IpcObjects> IpcObjects::open(int proc) {
  IpcObjects objects(proc);
  const UniqueFd context(::fsopen("mqueue", FSOPEN_CLOEXEC));
  if (!context.valid() && errno == ENODEV) return objects;
  if (!context.valid() ||
      ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return fail_errno("cannot see the message queues of tasks", errno);
  }
  objects.queues_.reset(::fsmount(context.get(), FSMOUNT_CLOEXEC, 0));
  if (!objects.queues_.valid()) {
    return fail_errno("cannot see the message queues of tasks", errno);
  }
  return objects;
}

bool IpcObjects::none() const {
  return has_title_alone(proc_, "sysvipc/shm") && has_title_alone(proc_, "sysvipc/sem") &&
         has_title_alone(proc_, "sysvipc/msg") && (!queues_.valid() || is_empty(queues_.get()));
}

}  // namespace kiln::worker
