// The agent's directory of outputs on their way to their place: one for each agent process.
#pragma once

#include <cstdint>
#include <filesystem>

namespace kiln::client {

// Removes the spools below `parent` whose agents are gone: nobody holds their store's lock. A pid
// would not do, since agents of several hosts or PID namespaces may share the cache directory.
void remove_dead_spools(const std::filesystem::path& parent);

}  // namespace kiln::client
