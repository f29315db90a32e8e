#include "client/policy/lease_book.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace kiln::client {

void LeaseBook::add(const LeaseKey& key, HeldLease held, TimePoint now) {
  Entry entry;
  entry.key = key;
  entry.expires = now + milliseconds(held.lease.lifetime_ms);
  entry.used = now;
  entry.left = held.lease.tasks;
  const LeaseId id = held.lease.id;
  entry.held = std::move(held);
  leases_.insert_or_assign(id, std::move(entry));
}

bool LeaseBook::usable(const Entry& entry, TimePoint now) const {
  return !entry.in_use && entry.left > 0 && now + policy_.expiry_margin < entry.expires;
}

std::optional<HeldLease> LeaseBook::take(const LeaseKey& key,
                                         const std::vector<std::string>& excluded, TimePoint now) {
  Entry* best = nullptr;
  for (auto& [id, entry] : leases_) {
    if (entry.key != key || !usable(entry, now)) continue;
    if (std::find(excluded.begin(), excluded.end(), entry.held.lease.worker) != excluded.end())
      continue;
    const bool better =
        best == nullptr || (best->held.lease.staging && !entry.held.lease.staging) ||
        (best->held.lease.staging == entry.held.lease.staging && entry.used > best->used);
    if (better) best = &entry;
  }
  if (best == nullptr) return std::nullopt;
  best->in_use = true;
  --best->left;
  return best->held;
}

void LeaseBook::give_back(const LeaseId& id, TimePoint now) {
  const auto found = leases_.find(id);
  if (found == leases_.end()) return;
  found->second.in_use = false;
  found->second.used = now;
  if (found->second.left == 0) spoil(id);
}

void LeaseBook::spoil(const LeaseId& id) {
  if (leases_.erase(id) > 0) over_.push_back(id);
}

void LeaseBook::drop_worker(const std::string& worker) {
  for (auto at = leases_.begin(); at != leases_.end();) {
    const bool gone = at->second.held.lease.worker == worker;
    if (gone) over_.push_back(at->first);
    at = gone ? leases_.erase(at) : std::next(at);
  }
}

std::uint32_t LeaseBook::wanted(const LeaseKey& key, std::uint32_t waiting, std::uint32_t asked,
                                TimePoint now) const {
  std::uint32_t renewals = 0;
  std::uint32_t free = 0;  // a renewal that has come already is not asked for again
  for (const auto& [id, entry] : leases_) {
    const bool ends_soon =
        entry.left < policy_.renew_below || now + 2 * policy_.expiry_margin >= entry.expires;
    if (entry.key != key) continue;
    if (entry.in_use && ends_soon) ++renewals;
    if (usable(entry, now)) ++free;
  }
  const std::uint32_t total = waiting + renewals;
  return total > asked + free ? total - asked - free : 0;
}

bool LeaseBook::holds(const LeaseKey& key) const {
  return std::any_of(leases_.begin(), leases_.end(),
                     [&](const auto& entry) { return entry.second.key == key; });
}

std::vector<LeaseId> LeaseBook::idle(TimePoint now) {
  std::vector<LeaseId> gone = std::exchange(over_, {});
  const std::size_t over = gone.size();
  for (const auto& [id, entry] : leases_) {
    if (entry.in_use) continue;
    if (now >= entry.used + policy_.idle || now + policy_.expiry_margin >= entry.expires)
      gone.push_back(id);
  }
  for (std::size_t i = over; i < gone.size(); ++i) leases_.erase(gone[i]);
  return gone;
}

std::vector<LeaseId> LeaseBook::clear() {
  std::vector<LeaseId> all = std::exchange(over_, {});
  for (const auto& [id, entry] : leases_) all.push_back(id);
  leases_.clear();
  return all;
}

std::optional<TimePoint> LeaseBook::next_deadline() const {
  std::optional<TimePoint> next;
  for (const auto& [id, entry] : leases_) {
    if (entry.in_use) continue;
    const TimePoint at = std::min(entry.used + policy_.idle, entry.expires - policy_.expiry_margin);
    next = next ? std::min(*next, at) : at;
  }
  return next;
}

}  // namespace kiln::client
