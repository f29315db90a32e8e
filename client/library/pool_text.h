// Pools as the agent is asked about them, and as it answers: JSON.
#pragma once

#include <string>
#include <string_view>

#include <kiln/pool.h>

namespace kiln::v1 {

// The one argument of `pool create`.
std::string definition_text(const PoolSpec& spec, Warm warm);

// The pool `name` in the answer to a command about pools. Failure::no_pool when it is not there,
// unsupported when the answer cannot be read.
Result<PoolStatus> read_pool(std::string_view answer, const std::string& name);

}  // namespace kiln::v1
