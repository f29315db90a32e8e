#include "coordinator/scheduling/lease_book.h"

#include "common/base/check.h"

namespace kiln::coordinator {
namespace {

template <typename Key>
void drop(std::map<Key, std::set<std::uint64_t>>& index, const Key& key, std::uint64_t number) {
  const auto found = index.find(key);
  KILN_CHECK(found != index.end() && found->second.erase(number) == 1);
  if (found->second.empty()) index.erase(found);
}

template <typename Key>
std::vector<std::uint64_t> listed(const std::map<Key, std::set<std::uint64_t>>& index,
                                  const Key& key) {
  const auto found = index.find(key);
  if (found == index.end()) return {};
  return {found->second.begin(), found->second.end()};
}

}  // namespace

const HeldLease* LeaseBook::find(std::uint64_t number) const {
  const auto found = leases_.find(number);
  return found == leases_.end() ? nullptr : &found->second;
}

void LeaseBook::add(HeldLease lease) {
  by_client_[lease.client].insert(lease.number);
  by_node_[lease.node].insert(lease.number);
  by_expiry_.emplace(lease.expires, lease.number);
  const auto number = lease.number;
  KILN_CHECK(leases_.emplace(number, std::move(lease)).second);
}

HeldLease LeaseBook::take(std::uint64_t number) {
  const auto found = leases_.find(number);
  KILN_CHECK(found != leases_.end());
  HeldLease lease = std::move(found->second);
  leases_.erase(found);
  drop(by_client_, lease.client, number);
  drop(by_node_, lease.node, number);
  by_expiry_.erase({lease.expires, number});
  return lease;
}

std::vector<std::uint64_t> LeaseBook::of_client(ClientId client) const {
  return listed(by_client_, client);
}

std::vector<std::uint64_t> LeaseBook::of_node(NodeNumber node) const {
  return listed(by_node_, node);
}

std::optional<std::pair<TimePoint, std::uint64_t>> LeaseBook::first_to_expire() const {
  if (by_expiry_.empty()) return std::nullopt;
  return *by_expiry_.begin();
}

}  // namespace kiln::coordinator
