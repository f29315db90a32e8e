// The version of the program, as CMakeLists.txt states it.
#pragma once

#include <string_view>

namespace kiln {

inline constexpr std::string_view kVersion = KILN_VERSION;

}  // namespace kiln
