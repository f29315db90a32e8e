// Reads the make rule that -M writes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace kiln::client {

// The target that the lister asks for by -MT, so that the rule's beginning is known.
inline constexpr std::string_view kRuleTarget = "kiln";

// The files that the rule "kiln: …" in `text` depends on, in its order. Errc::corrupt when the text
// is anything else, as it is when a name holds a newline.
Result<std::vector<std::string>> parse_dependencies(std::string_view text);

}  // namespace kiln::client
