// Where a daemon keeps its state unless told otherwise.
#pragma once

#include <string>

namespace kiln::config {

// For the daemon called `name` ("worker"): below /var/lib for root; for anybody else below
// `state_home` ($XDG_STATE_HOME) if that is an absolute path, else below `home` ($HOME).
std::string state_directory(const std::string& name, bool as_root, const std::string& state_home,
                            const std::string& home);

// The same for this process's user and environment.
std::string state_directory(const std::string& name);

}  // namespace kiln::config
