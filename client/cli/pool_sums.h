// A pool as a whole, of what an answer of the agent's tells of its nodes. A node that is gone has
// nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "client/cli/answer_text.h"

namespace kiln::client {

// The best that one of its nodes is in: ready, warming, broken, quiesced, cold; or "no node".
std::string pool_state(const Json& pool);

// Of a number that each node tells, as "ready".
std::uint64_t pool_sum(const Json& pool, const char* name);

// Of the nodes that live.
std::size_t count_nodes(const Json& pool, const std::function<bool(const Json&)>& holds);

}  // namespace kiln::client
