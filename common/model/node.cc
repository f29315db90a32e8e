#include "common/model/node.h"

#include <array>
#include <cstddef>

namespace kiln {

std::string_view name(TaskPhase phase) {
  static constexpr std::array<std::string_view, 4> kNames = {"queued", "staging", "running",
                                                             "returning"};
  return kNames.at(static_cast<std::size_t>(phase));
}

}  // namespace kiln
