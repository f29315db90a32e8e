// The text of `kiln keys --help`.
#pragma once

#include <string_view>

namespace kiln::client {

// At most 80 columns.
std::string_view key_help();

}  // namespace kiln::client
