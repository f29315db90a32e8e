// Quantities in a few characters.
#pragma once

#include <cstdint>
#include <string>

namespace kiln::client {

// "512 B", "1.5 KiB", "77 MiB": three digits at most.
std::string show_bytes(std::uint64_t bytes);

// "12 ms", "3.4 s", "2 min 5 s", "3 h 20 min", "5 d 2 h".
std::string show_milliseconds(std::uint64_t milliseconds);

}  // namespace kiln::client
