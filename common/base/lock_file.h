// A file as a lock between processes, which ends with whoever holds it, however that ends.
#pragma once

#include <filesystem>

#include <sys/types.h>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln {

// Opens `path`, making it with `mode` if need be, and locks it for as long as the descriptor lives.
// Does not wait: Errc::already_exists when another process has it.
Result<UniqueFd> lock_file(const std::filesystem::path& path, mode_t mode);

}  // namespace kiln
