// The leases that are believed in use, by client, by node and by expiry.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/scheduling/node_set.h"
#include "coordinator/scheduling/types.h"

namespace kiln::coordinator {

struct HeldLease {
  std::uint64_t number = 0;
  ClientId client = 0;
  NodeNumber node = 0;
  std::string build;
  std::string pool;
  TimePoint expires;
};

class LeaseBook {
 public:
  std::size_t size() const { return leases_.size(); }
  const HeldLease* find(std::uint64_t number) const;
  // REQUIRES: a fresh number.
  void add(HeldLease lease);
  // REQUIRES: a known number.
  HeldLease take(std::uint64_t number);
  std::vector<std::uint64_t> of_client(ClientId client) const;
  std::vector<std::uint64_t> of_node(NodeNumber node) const;
  // The earliest expiry, and the lease it belongs to.
  std::optional<std::pair<TimePoint, std::uint64_t>> first_to_expire() const;

 private:
  std::map<std::uint64_t, HeldLease> leases_;
  std::map<ClientId, std::set<std::uint64_t>> by_client_;
  std::map<NodeNumber, std::set<std::uint64_t>> by_node_;
  std::set<std::pair<TimePoint, std::uint64_t>> by_expiry_;
};

}  // namespace kiln::coordinator
