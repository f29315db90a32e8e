// Sizes, durations and switches as people write them in flags, variables and files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/time.h"

namespace kiln::config {

// Bytes: "10G", "512M", "64KiB", "4096". K, M, G and T are powers of 1024, in either case,
// optionally followed by "B" or "iB". Errc::invalid_argument otherwise.
Result<std::uint64_t> parse_size(std::string_view text);

// "250ms", "10s", "10m", "2h", "100us"; a whole number without a unit is seconds.
Result<Duration> parse_duration(std::string_view text);

// true/false, yes/no, on/off, 1/0.
Result<bool> parse_bool(std::string_view text);

// A decimal number between `least` and `most`, both included.
Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t least, std::uint64_t most);

}  // namespace kiln::config
