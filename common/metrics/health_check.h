// Asks a daemon's own HTTP server how it is, for supervisors that judge by an exit code.
#pragma once

#include <string>

#include "common/base/result.h"
#include "common/base/time.h"

namespace kiln::metrics {

// Success when `path` ("/readyz") of the server at `address` ("127.0.0.1:10660", "[::]:10660";
// every address means this machine) answers 200. Else the answer's text, or why there was none
// within `limit` for each step: Errc::unavailable. Blocks.
Status check_health(const std::string& address, const std::string& path, Duration limit);

}  // namespace kiln::metrics
