// A host's scratch directory, as the host itself sees it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <sys/types.h>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "worker/sandbox/root.h"

namespace kiln::worker {

// One host per scratch directory, for as long as the descriptor or a copy of it is open.
// Errc::already_exists: another one uses it. Waits a few seconds for that.
Result<UniqueFd> lock_scratch(const std::filesystem::path& scratch);

// Removes what an earlier host left, and makes the mount points.
Status empty_scratch(const ScratchLayout& layout);

// Of a task's private directory.
std::string workspace_name(std::uint64_t number);

// Where the inits of the executor with this pid prove what they hold; removed with those of tasks.
std::filesystem::path probe_workspace(const ScratchLayout& layout, pid_t executor);

// Removes the private directories of all tasks; goes on after an error, and returns the last one.
Status remove_workspaces(const std::filesystem::path& scratch);

}  // namespace kiln::worker
