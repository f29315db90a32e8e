// A pool's definition as the options of `kiln pool create`: what people read of it is what they
// would write.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/model/pool.h"

namespace kiln {

// ("--executors", "4"), in a fixed order, values as they are before a shell's quotes. What is as it
// would be without the option is left out, but for the context. Toolchains are there by name only.
std::vector<std::pair<std::string, std::string>> options_of(const PoolSpec& spec);

// The largest unit that takes a whole number, as --idle reads it: "90s", "10m", "1h".
std::string duration_text(std::uint64_t milliseconds);

}  // namespace kiln
