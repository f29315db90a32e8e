// Pools as JSON: on the coordinator's disk, and for programs that ask over HTTP.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/wire/messages.h"
#include "coordinator/pools/types.h"

namespace kiln::coordinator {

// {"pools": [PoolDefinition…]}, the fields named as in common/model/pool.h.
std::string definitions_text(const std::vector<DefinitionPtr>& definitions);
// Errc::corrupt says what cannot be read.
Result<std::vector<PoolDefinition>> definitions_of(const std::string& text);

std::vector<wire::PoolStatus> pool_statuses(const std::vector<PoolView>& views);
// {"pools": [PoolStatus…]}, the fields named as in common/wire/messages.h.
std::string pools_json(const std::vector<wire::PoolStatus>& pools);

}  // namespace kiln::coordinator
