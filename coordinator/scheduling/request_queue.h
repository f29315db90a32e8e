// The requests that wait for leases, and who is next. Between builds the one with the fewest
// leases for its weight comes first (each step of priority doubles the weight), so that no build
// starves; of a build, the highest priority, then the oldest.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "coordinator/scheduling/types.h"

namespace kiln::coordinator {

struct WaitingRequest {
  LeasesWanted wanted;  // `count` is what is still missing
  TimePoint since;
  TimePoint deadline;
  std::uint64_t order = 0;  // of arrival
};

class RequestQueue {
 public:
  std::size_t size() const { return requests_.size(); }
  std::size_t waiting_of(ClientId client) const;
  WaitingRequest* find(const RequestKey& key);
  // REQUIRES: no request of that key.
  void add(WaitingRequest request);
  void remove(const RequestKey& key);
  std::vector<RequestKey> of_client(ClientId client) const;
  std::vector<RequestKey> of_lane(const Lane& lane) const;
  // For listings: looks at each request.
  std::map<std::string, Waiting> by_pool() const;
  std::map<std::string, Waiting> by_build() const;  // those that have a name

  // Lanes that somebody waits in, sorted.
  std::vector<Lane> lanes() const;
  // Who is next in these lanes among those not set aside; nullptr: nobody.
  WaitingRequest* next(const std::vector<Lane>& lanes);
  // Leaves a request out of next() until restore().
  void set_aside(const RequestKey& key);
  void restore();

  // A build got (+1) or gave back (-1) a lease.
  void add_held(const std::string& build, int change);
  std::uint64_t held(const std::string& build) const;
  // Builds that wait, for deciding whether slots are contended.
  std::size_t waiting_builds() const { return waiting_builds_; }
  // That hold a slot or wait for one.
  std::size_t builds() const { return builds_.size(); }

 private:
  // Within a build: higher priority, then earlier arrival.
  using Turn = std::tuple<std::int64_t, std::uint64_t, RequestKey>;
  struct Line {
    std::set<Turn> turns;
  };
  struct Build {
    std::uint64_t held = 0;
    std::uint64_t served = 0;  // when it last got a lease, as a count
    std::size_t waiting = 0;   // requests, those set aside included
    std::map<Lane, Line> lines;
  };
  // Between builds: leases for the weight, then who was served longest ago.
  using Rank = std::tuple<std::uint64_t, std::uint64_t, std::string>;

  static Turn turn_of(const WaitingRequest& request);
  static Rank rank_of(const std::string& name, const Build& build, const Line& line);
  void rank(const std::string& name, Build& build, bool on);
  void enter(const WaitingRequest& request);
  void leave(const WaitingRequest& request);
  void drop_if_unused(const std::string& build);

  std::map<RequestKey, WaitingRequest> requests_;
  std::map<std::string, Build> builds_;
  std::map<Lane, std::set<Rank>> lanes_;
  std::set<RequestKey> aside_;
  std::size_t waiting_builds_ = 0;
  std::uint64_t serving_ = 0;
};

}  // namespace kiln::coordinator
