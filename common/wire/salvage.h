// What can still be told of a message that decode() refuses, so that only the attempt that it is
// about has to suffer for it.
#pragma once

#include <optional>
#include <string_view>

#include "common/model/task.h"

namespace kiln::wire {

struct Salvage {
  std::optional<AttemptId> attempt;  // that the message names
  bool is_result = false;            // it was to be a RunResult
};

// `header` and `map` are the first two frames, from any peer; either may be anything. The map may
// end too early, or have fields of wrong types.
Salvage salvage(std::string_view header, std::string_view map);

}  // namespace kiln::wire
