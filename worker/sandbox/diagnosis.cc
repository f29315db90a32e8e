#include "worker/sandbox/diagnosis.h"

#include <cerrno>
#include <fstream>
#include <string>

#include <linux/magic.h>
#include <sys/vfs.h>

namespace kiln::worker {
namespace {

constexpr std::string_view kInContainer =
    "in a container, run the worker as root with the capability SYS_ADMIN (docker run --cap-add "
    "SYS_ADMIN; where AppArmor is on, also --security-opt apparmor=unconfined)";

using Settings = std::filesystem::path;  // the directory /proc/sys

// The value of one of them, or `missing`.
long setting(const Settings& settings, const std::string& name, long missing) {
  std::ifstream file(settings / name);
  long value = missing;
  file >> value;
  return file ? value : missing;
}

std::string_view what(SandboxStep step) {
  switch (step) {
    case SandboxStep::user_namespace:
      return "cannot make a user namespace for tasks";
    case SandboxStep::namespaces:
      return "cannot make mount, PID, IPC, UTS and network namespaces for tasks";
    case SandboxStep::devices:
      return "cannot make the /dev of tasks";
    case SandboxStep::overlay:
      return "cannot mount the overlay of a task's root";
    case SandboxStep::proc:
      return "cannot mount /proc in a task's root";
    case SandboxStep::enter:
      return "cannot enter a task's root";
  }
  return "cannot make a task's root";
}

// What withholds user namespaces from ordinary users here.
std::string user_namespace_advice(const Settings& settings) {
  if (setting(settings, "kernel/unprivileged_userns_clone", 1) == 0) {
    return "set the sysctl kernel.unprivileged_userns_clone=1, or run the worker as root";
  }
  if (setting(settings, "kernel/apparmor_restrict_unprivileged_userns", 0) != 0) {
    return "set the sysctl kernel.apparmor_restrict_unprivileged_userns=0, give kiln-worker "
           "and kiln-nursery an AppArmor profile with userns, or run the worker as root";
  }
  return std::string("a seccomp profile or security module refuses it; ") +
         std::string(kInContainer);
}

// Which limit on namespaces is reached: the one that is 0, if any.
std::string limit_advice(const Settings& settings) {
  for (const std::string kind : {"user", "mnt", "pid", "ipc", "uts", "net"}) {
    const auto name = "max_" + kind + "_namespaces";
    if (setting(settings, "user/" + name, 1) == 0)
      return "set the sysctl user." + name + " to 10000; it is 0";
  }
  return "a limit on namespaces is reached; raise the sysctls user.max_*_namespaces";
}

std::string advice(SandboxStep step, int number, const Identity& identity,
                   const Settings& settings) {
  const bool refused = number == EPERM || number == EACCES;
  if (step == SandboxStep::overlay && number == ENODEV) {
    return "the kernel lacks overlayfs; load it: modprobe overlay";
  }
  if (step == SandboxStep::overlay && number == EINVAL) {
    return "the scratch directory's file system cannot hold the upper directory of an overlay; "
           "put the worker's store on a local file system (in a container: on a volume)";
  }
  if (step == SandboxStep::proc && refused && !identity.as_root) {
    return "parts of /proc are masked here, as in a container; unmask them (docker run "
           "--security-opt systempaths=unconfined) or run the worker as root with SYS_ADMIN";
  }
  const bool makes_namespaces =
      step == SandboxStep::user_namespace || step == SandboxStep::namespaces;
  if (makes_namespaces && (number == ENOSPC || number == EUSERS)) return limit_advice(settings);
  if (number == ENOSPC) return "the node's scratch directory is full";
  if (refused && !identity.as_root) return user_namespace_advice(settings);
  if (refused) {
    return "the capability SYS_ADMIN is missing, or one of those that containers usually have; " +
           std::string(kInContainer);
  }
  return {};
}

}  // namespace

Error explain(SandboxStep step, int number, const Identity& identity,
              const std::filesystem::path& settings) {
  Error error = system_error(what(step), number);
  const auto hint = advice(step, number, identity, settings);
  if (!hint.empty()) error.message += ": " + hint;
  return error;
}

bool is_on_overlay(const std::filesystem::path& scratch) {
  struct statfs info {};
  return ::statfs(scratch.c_str(), &info) == 0 && info.f_type == OVERLAYFS_SUPER_MAGIC;
}

}  // namespace kiln::worker
