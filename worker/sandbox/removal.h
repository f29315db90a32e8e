// Removing directories that somebody else filled.
#pragma once

#include <filesystem>

#include "common/base/result.h"

namespace kiln::worker {

// Removes `path` and all below it; no error when it is not there. Follows no symlink, copes with
// any depth and with directories whose permissions were taken away, and with writers that are just
// dying: what appears while it works is removed too, until that does not help for two seconds.
// Blocking.
Status remove_tree(const std::filesystem::path& path);

// Removes all that `directory` holds, but itself.
Status empty_directory(const std::filesystem::path& directory);

}  // namespace kiln::worker
