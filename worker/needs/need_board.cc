#include "worker/needs/need_board.h"

namespace kiln::worker {

std::vector<Digest> NeedBoard::wait(const AttemptId& attempt, const std::vector<Digest>& digests) {
  std::vector<Digest> to_ask;
  for (const auto& digest : digests) {
    const auto [found, is_new] = blobs_.try_emplace(digest);
    if (is_new) {
      found->second.asked = attempt;
      to_ask.push_back(digest);
    }
    found->second.waiters.insert(attempt);
    attempts_[attempt].insert(digest);
  }
  return to_ask;
}

std::vector<AttemptId> NeedBoard::arrived(const Digest& digest) {
  std::vector<AttemptId> complete;
  const auto found = blobs_.find(digest);
  if (found == blobs_.end()) return complete;
  for (const auto& attempt : found->second.waiters) {
    auto& missing = attempts_.at(attempt);
    missing.erase(digest);
    if (!missing.empty()) continue;
    attempts_.erase(attempt);
    complete.push_back(attempt);
  }
  blobs_.erase(found);
  return complete;
}

NeedBoard::Asks NeedBoard::drop(const AttemptId& attempt) {
  std::map<AttemptId, std::vector<Digest>> asks;
  const auto found = attempts_.find(attempt);
  if (found == attempts_.end()) return {};
  for (const auto& digest : found->second) {
    Blob& blob = blobs_.at(digest);
    blob.waiters.erase(attempt);
    if (blob.waiters.empty()) {
      blobs_.erase(digest);
    } else if (blob.asked == attempt) {
      blob.asked = *blob.waiters.begin();
      asks[blob.asked].push_back(digest);
    }
  }
  attempts_.erase(found);
  return {asks.begin(), asks.end()};
}

}  // namespace kiln::worker
