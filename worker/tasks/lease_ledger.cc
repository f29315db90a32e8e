#include "worker/tasks/lease_ledger.h"

#include <algorithm>

namespace kiln::worker {

std::optional<std::string> LeaseLedger::refusal(const Lease& lease, TimePoint now) {
  const auto [found, is_new] = leases_.try_emplace(lease.id);
  State& state = found->second;
  if (is_new) {
    state.left = lease.tasks;
    state.expires = now + milliseconds(lease.lifetime_ms);
  }
  if (now >= state.expires) return "lease_expired";
  if (state.left == 0) return "lease_used";
  if (state.current) return "lease_in_use";
  return std::nullopt;
}

void LeaseLedger::begin(const LeaseId& lease, const AttemptId& attempt) {
  State& state = leases_.at(lease);
  --state.left;
  state.current = attempt;
}

void LeaseLedger::end(const LeaseId& lease, const AttemptId& attempt) {
  const auto found = leases_.find(lease);
  if (found != leases_.end() && found->second.current == attempt) found->second.current.reset();
}

void LeaseLedger::expire(TimePoint now) {
  std::erase_if(leases_, [&](const auto& item) {
    return !item.second.current && now >= item.second.expires + keep_;
  });
}

std::optional<TimePoint> LeaseLedger::next_deadline() const {
  std::optional<TimePoint> next;
  for (const auto& [id, lease] : leases_) {
    if (lease.current) continue;
    const TimePoint at = lease.expires + keep_;
    next = next ? std::min(*next, at) : at;
  }
  return next;
}

}  // namespace kiln::worker
