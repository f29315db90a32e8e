#include "common/model/task.h"

#include <array>
#include <cstddef>

namespace kiln {

std::string_view name(Outcome outcome) {
  static constexpr std::array<std::string_view, 8> kNames = {
      "exited",       "signalled", "time_limit",    "memory_limit",
      "output_limit", "cancelled", "executor_lost", "not_started"};
  return kNames.at(static_cast<std::size_t>(outcome));
}

}  // namespace kiln
