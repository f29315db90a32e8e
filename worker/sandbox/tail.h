// The last bytes of a text of any length, in bounded memory.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kiln::worker {

class Tail {
 public:
  // Keeps the last `most` bytes. REQUIRES: most > 0.
  explicit Tail(std::size_t most) : most_(most) {}

  void add(std::string_view text);
  // In the order in which they were added.
  std::string text() const { return ring_.substr(oldest_) + ring_.substr(0, oldest_); }

 private:
  std::size_t most_;
  std::string ring_;        // grows up to `most_`
  std::size_t oldest_ = 0;  // where it begins; 0 until the ring is full
};

}  // namespace kiln::worker
