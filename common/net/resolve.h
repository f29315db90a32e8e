// Names to addresses.
#pragma once

#include <string>

#include "common/base/result.h"

namespace kiln::net {

// An endpoint (endpoint.h) with its name replaced by the first address that the system knows for
// it; one that has an address stays as it is. Blocks as long as the system's resolver does.
// Errc::unavailable: the name is not known, Errc::invalid_argument: no endpoint.
Result<std::string> resolve(const std::string& endpoint);

// Whether the endpoint has an address already, so that nobody needs to be asked.
bool is_resolved(const std::string& endpoint);

}  // namespace kiln::net
