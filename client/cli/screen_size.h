#pragma once

#include <cstddef>

namespace kiln::client {

// Of a terminal, in characters; what is assumed where it does not say.
struct ScreenSize {
  std::size_t columns = 80;
  std::size_t lines = 24;
  friend bool operator==(const ScreenSize&, const ScreenSize&) = default;
};

}  // namespace kiln::client
