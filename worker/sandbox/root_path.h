// Paths inside a root that this process is not itself in.
#pragma once

#include <optional>
#include <string>

#include "common/base/unique_fd.h"

namespace kiln::worker {

// Opens `path` (absolute, or relative to the root's directory) as somebody inside the root whose
// directory is `root` would, with open's `flags`. Stays on the root's own mount. Invalid: errno
// says why.
UniqueFd open_in_root(int root, const std::string& path, int flags);

// Where `place` lies below `root`, relative and free of symlinks; nothing when it does not.
std::optional<std::string> path_below(int root, int place);

}  // namespace kiln::worker
