// Which leases an agent holds and when it asks for more: pure, with time as an input.
//
// A lease allows several tasks in sequence on one slot. A busy build therefore holds about as many
// leases as it has calls in flight, asks for the next one before the last is used up, and gives
// back what lies idle, so that nobody waits for a slot that is only held.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/digest.h"
#include "common/base/time.h"
#include "common/model/lease.h"

namespace kiln::client {

// What a lease was asked for with. Leases of different keys do not stand in for one another: a pool
// may give its tasks other limits, and shares between builds and priorities are the coordinator's
// to divide.
struct LeaseKey {
  Digest toolchain;
  std::string pool;
  std::string build;
  std::int32_t priority = 0;

  friend auto operator<=>(const LeaseKey&, const LeaseKey&) = default;
};

// A lease and where its worker is.
struct HeldLease {
  Lease lease;
  std::string task_address;
  std::string bulk_address;
  std::vector<std::string> toolchain_sources;
};

struct BookPolicy {
  Duration idle = seconds(2);           // unused this long: given back
  Duration expiry_margin = seconds(2);  // not used when this near to its end
  std::uint32_t renew_below = 4;        // tasks left when the next lease is asked for
};

class LeaseBook {
 public:
  explicit LeaseBook(BookPolicy policy) : policy_(policy) {}

  void add(const LeaseKey& key, HeldLease held, TimePoint now);

  // A free lease on a worker that is not in `excluded`, the most recently used first since its node
  // is the warmest. It is the caller's until give_back or spoil.
  std::optional<HeldLease> take(const LeaseKey& key, const std::vector<std::string>& excluded,
                                TimePoint now);
  // The task under the lease has ended.
  void give_back(const LeaseId& id, TimePoint now);
  // The worker refuses the lease: it is gone.
  void spoil(const LeaseId& id);
  void drop_worker(const std::string& worker);

  // How many leases to ask for now, for `waiting` calls that have none; `asked` are on their way.
  // What lies free counts against it.
  std::uint32_t wanted(const LeaseKey& key, std::uint32_t waiting, std::uint32_t asked,
                       TimePoint now) const;

  // Leases that lie idle, have expired, are used up or were refused, removed from the book: the
  // caller releases them, since until then the coordinator counts their slots as taken.
  std::vector<LeaseId> idle(TimePoint now);
  // Everything, for an orderly end.
  std::vector<LeaseId> clear();
  std::optional<TimePoint> next_deadline() const;
  std::size_t size() const { return leases_.size(); }
  bool holds(const LeaseKey& key) const;

 private:
  struct Entry {
    HeldLease held;
    LeaseKey key;
    TimePoint expires;
    TimePoint used;  // last given back or added
    std::uint32_t left = 0;
    bool in_use = false;
  };
  bool usable(const Entry& entry, TimePoint now) const;

  BookPolicy policy_;
  std::map<LeaseId, Entry> leases_;
  std::vector<LeaseId> over_;  // used up or refused, not yet handed out by idle()
};

}  // namespace kiln::client
