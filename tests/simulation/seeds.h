// Which seeds a campaign runs.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace kiln::simulation {

// The seeds of a campaign, or the one that KILN_SIMULATION_SEED names.
inline std::vector<std::uint64_t> seeds(std::uint64_t count) {
  if (const char* text = std::getenv("KILN_SIMULATION_SEED"); text != nullptr && *text != '\0') {
    return {std::strtoull(text, nullptr, 10)};
  }
  std::vector<std::uint64_t> out;
  for (std::uint64_t seed = 1; seed <= count; ++seed) out.push_back(seed);
  return out;
}

inline std::string replay(std::uint64_t seed) {
  return "replay with KILN_SIMULATION_SEED=" + std::to_string(seed);
}

}  // namespace kiln::simulation
