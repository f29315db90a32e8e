// Overlay's options are one string of at most a page, with ':' and ',' to be escaped. Naming the
// directories by descriptor, as /proc/self/fd/N, avoids both limits, works on every kernel, and
// keeps the machine's paths out of the task's /proc/self/mountinfo.
//
// "volatile" matters more than it looks: without it the unmount syncs the whole file system that
// the upper directory is on, with everything that other tasks have just written.
#include "worker/sandbox/root.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/base/files.h"
#include "common/base/unique_fd.h"
#include "worker/sandbox/diagnosis.h"

namespace kiln::worker {
namespace {

// As generous as the kernel's own default for a memory file system.
constexpr std::uint64_t kBytesPerInode = 4096;
constexpr std::uint64_t kLeastInodes = 16384;

// A task sees its own processes only: its init's command line and maps are the worker's business.
constexpr const char* kHiddenProcesses = "2";
constexpr const char* kProcOptions = "hidepid=2";

std::string by_descriptor(const UniqueFd& fd) {
  return "/proc/self/fd/" + std::to_string(fd.get());
}

Result<UniqueFd> open_directory(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("cannot open the directory " + path.string(), errno);
  return fd;
}

Result<UniqueFd> make_directory(const std::filesystem::path& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) != 0) {
    return fail_errno("cannot create the directory " + path.string(), errno);
  }
  return open_directory(path);
}

// A directory below `root`, its symlinks resolved as the task would see them; stays on the same
// mount, so that nothing of the machine can be meant.
UniqueFd open_below(const UniqueFd& root, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
  return UniqueFd(
      static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
}

// Whether /tmp is a symlink in the topmost tree that has one.
bool has_linked_tmp(const std::vector<UniqueFd>& lowers) {
  for (const auto& lower : lowers) {
    struct stat info {};
    if (::fstatat(lower.get(), "tmp", &info, AT_SYMLINK_NOFOLLOW) == 0) {
      return S_ISLNK(info.st_mode);
    }
  }
  return false;
}

// The upper directory starts with the directories that every root has. They merge with those of the
// trees, and where both have one, the upper's mode and owner win.
Status fill_upper(const UniqueFd& upper, bool with_tmp) {
  if (::mkdirat(upper.get(), "proc", 0755) != 0 || ::mkdirat(upper.get(), "dev", 0755) != 0 ||
      (with_tmp && ::mkdirat(upper.get(), "tmp", 01777) != 0)) {
    return fail_errno("cannot create the first directories of a task's root", errno);
  }
  return {};
}

// Overlay's option of that name. The directories are appended to `opened`.
Result<std::string> lower_option(const std::vector<std::filesystem::path>& paths,
                                 std::vector<UniqueFd>& opened) {
  std::string option = "lowerdir=";
  for (const auto& path : paths) {
    KILN_TRY_ASSIGN(auto lower, open_directory(path));
    option += (opened.empty() ? "" : ":") + by_descriptor(lower);
    opened.push_back(std::move(lower));
  }
  return option;
}

Status mount_overlay(const RootPlan& plan) {
  std::vector<UniqueFd> lowers;
  KILN_TRY_ASSIGN(auto options, lower_option(plan.lowers, lowers));
  KILN_TRY(make_directory(plan.workspace, 0755));
  KILN_TRY_ASSIGN(const auto upper, make_directory(plan.workspace / "upper", 0755));
  KILN_TRY_ASSIGN(const auto work, make_directory(plan.workspace / "work", 0755));
  KILN_TRY(fill_upper(upper, !has_linked_tmp(lowers)));
  options += ",upperdir=" + by_descriptor(upper) + ",workdir=" + by_descriptor(work) + ",volatile";
  if (!plan.identity.as_root) options += ",userxattr";
  if (::mount("root", plan.layout.root().c_str(), "overlay", MS_NOSUID | MS_NODEV,
              options.c_str()) != 0) {
    return fail(explain(SandboxStep::overlay, errno, plan.identity));
  }
  return {};
}

// Makes the directories where the task is expected to write its own. Done before anything else is
// mounted in the root.
Status give_directories(const UniqueFd& root, const RootPlan& plan) {
  if (const auto tmp = open_below(root, "tmp"); tmp.valid()) {
    struct stat info {};
    if (::fstat(tmp.get(), &info) != 0 ||
        ((info.st_mode & 07777U) != 01777 && ::chmod(by_descriptor(tmp).c_str(), 01777) != 0)) {
      return fail_errno("cannot open the task's /tmp to it", errno);
    }
  }
  if (!plan.identity.as_root) return {};  // all that the trees hold is the user's own
  for (const auto& path : plan.writable) {
    const auto directory = open_below(root, path);
    struct stat info {};
    if (!directory.valid() || ::fstat(directory.get(), &info) != 0) continue;
    if (info.st_uid == plan.identity.uid) continue;
    if (::fchownat(directory.get(), "", plan.identity.uid, plan.identity.gid, AT_EMPTY_PATH) != 0) {
      return fail_errno("cannot give the directory " + path + " to the task", errno);
    }
  }
  return {};
}

// The root with a /proc in it, as a copy that is mounted nowhere: what was mounted and is let go of
// loses the mounts below it. The copy goes, with its /proc, when the last descriptor is closed.
Result<UniqueFd> copy_with_proc(const std::filesystem::path& root, const Identity& identity) {
  KILN_TRY_ASSIGN(const auto directory, open_directory(root));
  const auto place = open_below(directory, "proc");  // whatever the toolchain has by that name
  if (!place.valid()) return fail(explain(SandboxStep::proc, errno, identity));
  const auto proc = detached_proc();
  if (!proc.valid() || ::move_mount(proc.get(), "", place.get(), "",
                                    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0) {
    return fail(explain(SandboxStep::proc, errno, identity));
  }
  UniqueFd copy(
      ::open_tree(AT_FDCWD, root.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
  if (!copy.valid()) return fail_errno("cannot copy the root of a held program", errno);
  return copy;
}

bool attach(const UniqueFd& mount, const std::filesystem::path& place) {
  return mount.valid() &&
         ::move_mount(mount.get(), "", AT_FDCWD, place.c_str(), MOVE_MOUNT_F_EMPTY_PATH) == 0;
}

// Leaves the machine's file systems behind. Where the present root cannot be pivoted away (it is
// the kernel's first ramdisk) or nobody may (in a container, by its seccomp profile), chroot must
// do; a process without CAP_SYS_CHROOT cannot leave that either, and the kernel refuses it user
// namespaces.
Status switch_to(const std::filesystem::path& root, const Identity& identity) {
  if (::chdir(root.c_str()) != 0) return fail(explain(SandboxStep::enter, errno, identity));
  if (::syscall(SYS_pivot_root, ".", ".") == 0) {
    if (::umount2(".", MNT_DETACH) != 0) return fail(explain(SandboxStep::enter, errno, identity));
  } else if (::chroot(".") != 0) {
    return fail(explain(SandboxStep::enter, errno, identity));
  }
  if (::chdir("/") != 0) return fail(explain(SandboxStep::enter, errno, identity));
  return {};
}

}  // namespace

Result<bool> mount_memory_scratch(const ScratchLayout& layout, const Identity& identity,
                                  std::uint64_t bytes) {
  const auto* path = layout.scratch.c_str();
  const auto inodes = std::max(bytes / kBytesPerInode, kLeastInodes);
  const auto options =
      "mode=0700,size=" + std::to_string(bytes) + ",nr_inodes=" + std::to_string(inodes);
  if (::mount("scratch", path, "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0) return false;
  const bool fits = identity.as_root || ::setxattr(path, "user.kiln", "y", 1, 0) == 0;
  if (!fits) {
    if (::umount2(path, MNT_DETACH) != 0) return fail_errno("cannot unmount tmpfs", errno);
    return false;
  }
  KILN_TRY(make_directories(layout.root()));
  KILN_TRY(make_directories(layout.devices()));
  return true;
}

UniqueFd detached_proc() {
  const UniqueFd context(::fsopen("proc", FSOPEN_CLOEXEC));
  if (!context.valid() ||
      ::fsconfig(context.get(), FSCONFIG_SET_STRING, "hidepid", kHiddenProcesses, 0) != 0 ||
      ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return UniqueFd();
  }
  constexpr auto kAttributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  return UniqueFd(::fsmount(context.get(), FSMOUNT_CLOEXEC, kAttributes));
}

RootMounts prepare_root_mounts(const ScratchLayout& layout) {
  return {detached_proc(),
          UniqueFd(::open_tree(AT_FDCWD, layout.devices().c_str(),
                               OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE))};
}

Result<UniqueFd> make_root(const RootPlan& plan, const RootMounts& mounts) {
  KILN_TRY(mount_overlay(plan));
  const auto root = plan.layout.root();
  KILN_TRY_ASSIGN(auto directory, open_directory(root));
  KILN_TRY(give_directories(directory, plan));
  const auto proc = root / "proc";
  if (!attach(mounts.proc, proc) &&
      ::mount("proc", proc.c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, kProcOptions) != 0) {
    return fail(explain(SandboxStep::proc, errno, plan.identity));
  }
  const auto devices = root / "dev";
  if (!attach(mounts.devices, devices) && ::mount(plan.layout.devices().c_str(), devices.c_str(),
                                                  nullptr, MS_BIND | MS_REC, nullptr) != 0) {
    return fail(explain(SandboxStep::devices, errno, plan.identity));
  }
  return directory;
}

Status drop_root(const ScratchLayout& layout) {
  if (::umount2(layout.root().c_str(), MNT_DETACH) == 0) return {};
  return fail_errno("cannot unmount the root of a task that has ended", errno);
}

Status enter_root(const RootPlan& plan, const RootMounts& mounts) {
  KILN_TRY(make_root(plan, mounts));
  return switch_to(plan.layout.root(), plan.identity);
}

Result<UniqueFd> make_held_root(const ScratchLayout& layout,
                                const std::vector<std::filesystem::path>& lowers,
                                const Identity& identity) {
  auto paths = lowers;
  paths.push_back(layout.root());
  std::vector<UniqueFd> opened;
  KILN_TRY_ASSIGN(auto options, lower_option(paths, opened));
  if (!identity.as_root) options += ",userxattr";
  if (::mount("root", layout.root().c_str(), "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV,
              options.c_str()) != 0) {
    return fail(explain(SandboxStep::overlay, errno, identity));
  }
  auto root = copy_with_proc(layout.root(), identity);
  KILN_TRY(drop_root(layout));
  return root;
}

}  // namespace kiln::worker
