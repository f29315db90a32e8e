// What a pool may be called.
#pragma once

#include <string_view>

namespace kiln {

// A letter or digit, then up to 63 letters, digits, dots, hyphens and underscores: a name that
// needs no quotes in a shell, a label or a file's name.
bool is_pool_name(std::string_view text);

}  // namespace kiln
