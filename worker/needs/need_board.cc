#include "worker/needs/need_board.h"

#include <algorithm>

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
    } else {
      pass_on(blob, attempt, digest, asks);
    }
  }
  attempts_.erase(found);
  return {asks.begin(), asks.end()};
}

NeedBoard::Asks NeedBoard::yield(const AttemptId& attempt) {
  std::map<AttemptId, std::vector<Digest>> asks;
  const auto found = attempts_.find(attempt);
  if (found == attempts_.end()) return {};
  for (const auto& digest : found->second) pass_on(blobs_.at(digest), attempt, digest, asks);
  return {asks.begin(), asks.end()};
}

void NeedBoard::pass_on(Blob& blob, const AttemptId& attempt, const Digest& digest,
                        std::map<AttemptId, std::vector<Digest>>& asks) {
  if (blob.asked != attempt) return;
  const auto other = std::find_if(blob.waiters.begin(), blob.waiters.end(),
                                  [&](const AttemptId& waiter) { return waiter != attempt; });
  if (other == blob.waiters.end()) return;
  blob.asked = *other;
  asks[blob.asked].push_back(digest);
}

std::vector<Digest> NeedBoard::asked_of(const AttemptId& attempt) const {
  std::vector<Digest> asked;
  const auto found = attempts_.find(attempt);
  if (found == attempts_.end()) return asked;
  for (const auto& digest : found->second) {
    if (blobs_.at(digest).asked == attempt) asked.push_back(digest);
  }
  return asked;
}

std::vector<AttemptId> NeedBoard::waiters(const Digest& digest) const {
  const auto found = blobs_.find(digest);
  if (found == blobs_.end()) return {};
  return {found->second.waiters.begin(), found->second.waiters.end()};
}

bool NeedBoard::waits_for(const AttemptId& attempt, const Digest& digest) const {
  const auto found = attempts_.find(attempt);
  return found != attempts_.end() && found->second.contains(digest);
}

}  // namespace kiln::worker
