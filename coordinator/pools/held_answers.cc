#include "coordinator/pools/held_answers.h"

#include <iterator>
#include <utility>

namespace kiln::coordinator {

AnswerId HeldAnswers::hold(const std::string& pool, Awaited nodes, TimePoint now) {
  if (held_.size() >= kMost) nodes.clear();
  held_.emplace(next_, Held{pool, std::move(nodes), now + kLongest});
  return next_++;
}

void HeldAnswers::look(const std::string& node, const TookUp& took_up) {
  for (auto& [id, held] : held_) {
    const auto awaited = held.nodes.find(node);
    if (awaited != held.nodes.end() && took_up(held.pool, awaited->second)) {
      held.nodes.erase(awaited);
    }
  }
}

std::vector<AnswerId> HeldAnswers::take(TimePoint now) {
  std::vector<AnswerId> due;
  for (auto at = held_.begin(); at != held_.end();) {
    const bool waits = !at->second.nodes.empty() && now < at->second.until;
    if (!waits) due.push_back(at->first);
    at = waits ? std::next(at) : held_.erase(at);
  }
  return due;
}

std::optional<TimePoint> HeldAnswers::next_deadline() const {
  if (held_.empty()) return std::nullopt;
  return held_.begin()->second.until;
}

}  // namespace kiln::coordinator
