#include "worker/sandbox/tail.h"

#include <algorithm>

namespace kiln::worker {

void Tail::add(std::string_view text) {
  if (text.size() >= most_) {
    ring_ = text.substr(text.size() - most_);
    oldest_ = 0;
    return;
  }
  const auto room = std::min(most_ - ring_.size(), text.size());
  ring_ += text.substr(0, room);
  text.remove_prefix(room);
  while (!text.empty()) {
    const auto count = std::min(most_ - oldest_, text.size());
    ring_.replace(oldest_, count, text.substr(0, count));
    oldest_ = (oldest_ + count) % most_;
    text.remove_prefix(count);
  }
}

}  // namespace kiln::worker
