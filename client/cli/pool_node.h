// One node of a pool, as an answer of the agent's tells of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "client/cli/answer_text.h"

namespace kiln::client {

// Null where the answer has none.
const Json& first_pool(const Json& answer);

bool lives(const Json& node);
bool has_state(const Json& node, std::string_view state);
bool is_broken(const Json& node);
std::uint64_t warm_executors(const Json& node);

// A step that was not taken has no time.
std::string step_text(const Json& there, const char* name);

// What a node still lacks; empty: nothing.
std::string lack_of(const Json& node);

}  // namespace kiln::client
