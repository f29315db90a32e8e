#include "worker/executor/scratch.h"

#include <cerrno>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>

#include "common/base/files.h"
#include "common/base/time.h"
#include "worker/sandbox/removal.h"

namespace kiln::worker {
namespace {

constexpr auto kLockPatience = seconds(5);
constexpr std::string_view kWorkspacePrefix = "task";

}  // namespace

// A worker that was just killed may still be dying: its processes hold the lock to their end.
Result<UniqueFd> lock_scratch(const std::filesystem::path& scratch) {
  const auto path = scratch / "lock";
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return fail_errno("cannot open " + path.string(), errno);
  const auto deadline = Clock::now() + kLockPatience;
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail_errno("cannot lock " + path.string(), errno);
    if (Clock::now() > deadline) {
      return fail(Errc::already_exists, "another worker uses the directory " + scratch.string() +
                                            "; stop it, or give this one another store");
    }
    std::this_thread::sleep_for(milliseconds(10));
  }
  return fd;
}

Status empty_scratch(const ScratchLayout& layout) {
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(layout.scratch, code)) {
    if (entry.path().filename() != "lock") KILN_TRY(remove_tree(entry.path()));
  }
  if (code) return fail_errno("cannot list " + layout.scratch.string(), code.value());
  KILN_TRY(make_directories(layout.root()));
  return make_directories(layout.devices());
}

std::string workspace_name(std::uint64_t number) {
  return std::string(kWorkspacePrefix) + std::to_string(number);
}

std::filesystem::path probe_workspace(const ScratchLayout& layout, pid_t executor) {
  return layout.scratch / (std::string(kWorkspacePrefix) + "-probe" + std::to_string(executor));
}

Status remove_workspaces(const std::filesystem::path& scratch) {
  std::error_code code;
  Status removed;
  for (const auto& entry : std::filesystem::directory_iterator(scratch, code)) {
    if (!entry.path().filename().native().starts_with(kWorkspacePrefix)) continue;
    if (auto one = remove_tree(entry.path()); !one) removed = std::move(one);
  }
  if (code) return fail_errno("cannot list " + scratch.string(), code.value());
  return removed;
}

}  // namespace kiln::worker
