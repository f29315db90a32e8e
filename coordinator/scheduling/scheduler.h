// The coordinator's decisions: which worker gets whose tasks.
//
// The problem: agents want slots of workers at once, several coordinators may lend the same
// workers, and messages are late or lost. The idea: the worker is the authority on its slots, so
// nothing here has to be right, only likely. A slot counts as used when the worker says so
// (absolute occupancy, the newest report wins) or when a lease on it was given and neither came
// back nor expired nor died with the worker's epoch; a lease too many costs its agent one refused
// task, which comes back here. Every request ends: with leases, or refused with a reason, at the
// latest after its patience, or when its pool has done with warming; every lease ends; every silent
// worker or client is given up. So no state outlives its deadline, and a coordinator that starts
// empty is right within two heartbeats.
//
// Agents give leases back when they are used up or not needed any more: a lease that comes back
// early is a slot that somebody else need not wait for.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "coordinator/scheduling/lease_book.h"
#include "coordinator/scheduling/node_table.h"
#include "coordinator/scheduling/random.h"
#include "coordinator/scheduling/request_queue.h"
#include "coordinator/scheduling/types.h"

namespace kiln::coordinator {

class Scheduler {
 public:
  explicit Scheduler(const SchedulerOptions& options);

  // Takes one input and gives everything that follows from it. Time never goes back: an earlier
  // `now` counts as the latest one seen.
  Outputs step(const Input& input);

  // When the next Tick is due; nullopt: nothing waits for time.
  std::optional<TimePoint> next_deadline() const;

  // For listings and metrics; not on the path of a decision. Shares what the nodes said, so that
  // the tasks of a large farm are not copied.
  std::vector<NodeView> nodes() const;
  // The node of that name; nullopt: none is listed.
  std::optional<NodeView> node(const std::string& name) const;
  std::map<std::string, Waiting> waiting_by_pool() const { return queue_.by_pool(); }
  std::map<std::string, Waiting> waiting_by_build() const { return queue_.by_build(); }
  std::size_t nodes_in(NodeState state) const { return nodes_.in_state(state); }
  // That hold leases or wait for some.
  std::size_t builds() const { return queue_.builds(); }
  std::size_t waiting_requests() const { return queue_.size(); }
  std::size_t clients() const { return clients_.size(); }
  std::size_t leases() const { return leases_.size(); }
  // Since the beginning.
  const LeaseEnds& lease_ends() const { return lease_ends_; }
  std::uint64_t total_slots() const { return nodes_.total_slots(); }
  std::uint64_t free_slots() const { return nodes_.free_slots(); }

 private:
  enum class Due : std::uint8_t { node, settling, client, request };
  struct Client {
    TimePoint heard;
    bool watched = false;              // has an entry in due_
    std::deque<std::uint64_t> recent;  // requests seen lately, to ignore repetitions
  };
  using Deadline = std::tuple<TimePoint, Due, std::uint64_t, std::uint64_t>;

  void on(const WorkerJoined& event, Outputs& out);
  void on(const WorkerReported& event, Outputs& out);
  void on(const WorkerGone& event, Outputs& out);
  void on(const ClientJoined& event, Outputs& out);
  void on(const ClientHeard& event, Outputs& out);
  void on(const ClientGone& event, Outputs& out);
  void on(const LeasesWanted& event, Outputs& out);
  void on(const LeasesUnwanted& event, Outputs& out);
  void on(const LeasesReleased& event, Outputs& out);
  void on(const PoolsSelected& event, Outputs& out);
  void on(const WorkerPools& event, Outputs& out);
  void on(const Tick& event, Outputs& out);

  // scheduler_deadlines.cc
  Duration silence() const;
  void watch_node(Node& node);
  void settle(Node& node);
  void watch_client(ClientId id, Client& client);
  void expire(Outputs& out);
  void node_due(NodeNumber number, Outputs& out);
  void client_due(ClientId id, Outputs& out);

  Client* heard(ClientId id);
  void lose_node(Node& node, const std::string& reason, Outputs& out);
  void apply_occupancy(Node& node, const Occupancy& occupancy);
  std::size_t drop_leases(const std::vector<std::uint64_t>& numbers, LeaseEnd why);
  std::optional<Error> why_not(const LeasesWanted& wanted) const;
  Error no_node_for(const LeasesWanted& wanted) const;
  bool all_excluded(const LeasesWanted& wanted) const;
  void refuse(const RequestKey& key, Error error, Outputs& out);
  void remove_request(const RequestKey& key);
  void refuse_the_hopeless(Outputs& out);

  // scheduler_pools.cc
  bool knows_pool(const std::string& pool) const;
  bool keep_while_warming(const RequestKey& key, Outputs& out);
  static Error no_such_pool(const std::string& pool);
  Error no_node_of_pool(const LeasesWanted& wanted) const;
  Error no_node_selected(const std::string& pool) const;
  void note_selection(const PoolSelection& selection);

  // scheduler_dispatch.cc
  void dispatch(Outputs& out);
  void dispatch_room(Room room, std::map<RequestKey, LeasesGranted>& granted);
  GrantedSlot grant(WaitingRequest& request, Node& node, Room room);
  bool is_short(Room room) const;
  std::vector<std::string> sources_of(const LeasesWanted& wanted, const Node& node);
  void check_invariants(const Node& node) const;

  SchedulerOptions options_;
  TimePoint now_{};
  Random random_;
  NodeTable nodes_;
  RequestQueue queue_;
  LeaseBook leases_;
  LeaseEnds lease_ends_{};
  struct KnownPool {
    std::string asks;                      // for labels, as people write them
    std::optional<TimePoint> empty_since;  // it selects no node
  };
  std::map<std::string, KnownPool> pools_;  // that exist, but for `default`
  std::map<ClientId, Client> clients_;
  std::set<Deadline> due_;
  std::uint64_t next_lease_ = 1;
  std::uint64_t next_order_ = 1;
  bool nodes_left_ = false;  // some request may have become hopeless
};

}  // namespace kiln::coordinator
