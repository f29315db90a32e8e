// What goes into the scheduler and what comes out. The scheduler is a pure function of its inputs:
// no sockets, clocks, threads or logs; the time is part of every input.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/digest.h"
#include "common/base/error.h"
#include "common/base/time.h"
#include "common/model/lease.h"
#include "common/model/node.h"
#include "common/model/pool.h"

namespace kiln::coordinator {

// One connection of one agent; never reused within a coordinator's life.
using ClientId = std::uint64_t;

// A request for leases is named by its client and the client's own number.
struct RequestKey {
  ClientId client = 0;
  std::uint64_t request = 0;
  friend auto operator<=>(const RequestKey&, const RequestKey&) = default;
};

// Requests that the same nodes may serve.
struct Lane {
  std::string architecture;
  std::string pool = kDefaultPool;
  friend auto operator<=>(const Lane&, const Lane&) = default;
};

struct SchedulerOptions {
  std::uint64_t epoch = 1;  // of this coordinator, in every lease id
  std::uint64_t seed = 1;   // of the sampling of candidates

  std::uint32_t tasks_per_lease = 32;
  Duration lease_lifetime = seconds(60);
  // Leases on the last quarter of the slots, staging leases, and those granted while others wait
  // are short, so that a newcomer soon gets its share.
  std::uint32_t short_tasks = 8;
  Duration short_lifetime = seconds(10);
  // A lease counts as used that much longer, as its life begins at the worker's first sight of it.
  Duration lease_grace = seconds(2);
  std::uint32_t staging_per_slot = 1;  // leases beyond the slots, at most one per slot

  // Where other coordinators lend the same worker, a slot that its agent leaves empty between two
  // tasks looks free. There as many slots count as used as were at the most in the last one to two
  // windows of `settle` to twice `settle`; that others lend it is remembered for `sharing_memory`.
  Duration settle = milliseconds(200);
  Duration sharing_memory = seconds(10);

  Duration heartbeat = seconds(1);
  std::uint32_t missed_heartbeats = 3;
  Duration forget_lost = std::chrono::minutes(10);  // lost nodes are listed that long
  Duration request_patience = seconds(10);
  // Nodes for a pool that selects none may be about to come; later its requests fail for good.
  Duration selection_grace = seconds(3);

  std::size_t max_nodes = 10'000;
  std::size_t max_clients = 10'000;
  std::size_t max_waiting = 4'096;  // requests
  std::size_t max_waiting_per_client = 256;
  std::uint32_t max_count = 1'024;  // leases of one request; more are cut to it
  std::uint32_t max_slots = 4'096;  // of one node; more are cut to it
};

// ---- Inputs ------------------------------------------------------------------------------------

// Another epoch is another process: it takes the name over when the one before it is lost, and is
// rejected while that lives. So a cloned machine cannot push a healthy one out.
struct WorkerJoined {
  NodeInfo node;
  Occupancy occupancy;
};
struct WorkerReported {
  std::string worker;
  std::uint64_t epoch = 0;
  Occupancy occupancy;
};
// Left in good order, or its connection closed.
struct WorkerGone {
  std::string worker;
  std::uint64_t epoch = 0;
  std::string reason;
};
struct ClientJoined {
  ClientId client = 0;
};
// Any sign of life of a client that asks for nothing.
struct ClientHeard {
  ClientId client = 0;
};
struct ClientGone {
  ClientId client = 0;
};
struct LeasesWanted {
  RequestKey key;
  std::string pool = kDefaultPool;
  Digest toolchain;
  std::string architecture;
  std::string affinity;  // tasks of one key like to meet on one node
  std::int32_t priority = 0;
  std::string build;
  std::uint32_t count = 1;
  std::vector<std::string> excluded;
  bool is_nameless = false;  // the client names no build: `build` is the scheduler's word for it

  Lane lane() const { return {architecture, pool}; }
};
// Requests of one pool, or of one build.
struct Waiting {
  std::uint32_t requests = 0;
  std::uint32_t leases = 0;  // that they still miss
  TimePoint since;           // of the oldest
};
struct LeasesUnwanted {
  RequestKey key;
};
struct LeasesReleased {
  ClientId client = 0;
  std::vector<LeaseId> leases;
};
// Nodes that a pool was given or lost; `default` has all and is never named here.
struct PoolSelection {
  std::string pool;
  bool exists = true;  // else it was deleted
  std::vector<std::string> added;
  std::vector<std::string> removed;
  std::string asks{};  // which labels it asks for, as people write them
};
struct PoolsSelected {
  std::vector<PoolSelection> changes;
};
// How pools stand on the worker; `complete`: it knows no others.
struct WorkerPools {
  std::string worker;
  std::uint64_t epoch = 0;
  bool complete = false;
  std::vector<PoolOnNode> pools;
};
struct Tick {};

using Event =
    std::variant<WorkerJoined, WorkerReported, WorkerGone, ClientJoined, ClientHeard, ClientGone,
                 LeasesWanted, LeasesUnwanted, LeasesReleased, PoolsSelected, WorkerPools, Tick>;

struct Input {
  TimePoint now;
  Event event;
};

// ---- Outputs -----------------------------------------------------------------------------------

// The token is empty: signing is for whoever sends it.
struct GrantedSlot {
  Lease lease;
  std::string task_address;
  std::string bulk_address;
  std::vector<std::string> toolchain_sources;  // bulk addresses of nodes that have it staged
};
struct LeasesGranted {
  RequestKey key;
  std::vector<GrantedSlot> slots;
  Duration waited{};
};
// The request's time is over, but its pool is warming on some node: it goes on waiting, and whoever
// made it should too.
struct RequestKept {
  RequestKey key;
};
// Ends the request; what it was granted before stays granted.
struct LeasesRefused {
  RequestKey key;
  Error error;
};
struct WorkerLost {
  std::string worker;
  std::uint64_t epoch = 0;
  std::string reason;
  std::size_t leases = 0;  // that were on it
};
// Lost for so long that it is not listed any more.
struct WorkerForgotten {
  std::string worker;
};
// A report from a worker that never joined, or not in this epoch: it should say hello.
struct WorkerUnknown {
  std::string worker;
  std::uint64_t epoch = 0;
};
struct WorkerRejected {
  std::string worker;
  std::uint64_t epoch = 0;
  Error error;
};
struct ClientRejected {
  ClientId client = 0;
  Error error;
};
// Silent for too long: its leases are free again and its requests refused. A later message revives
// it.
struct ClientLost {
  ClientId client = 0;
  std::size_t leases = 0;
};

using Output = std::variant<LeasesGranted, RequestKept, LeasesRefused, WorkerLost, WorkerForgotten,
                            WorkerUnknown, WorkerRejected, ClientRejected, ClientLost>;
using Outputs = std::vector<Output>;

// Why leases end: given back, not given back in time, or void with their node or their agent.
enum class LeaseEnd : std::uint8_t { released, expired, worker_lost, client_gone };
inline constexpr std::array<std::string_view, 4> kLeaseEnds = {"released", "expired", "worker_lost",
                                                               "client_gone"};
// How many ended so, in that order.
using LeaseEnds = std::array<std::uint64_t, kLeaseEnds.size()>;

// ---- Views -------------------------------------------------------------------------------------

enum class NodeState : std::uint8_t { ready, draining, lost };
inline constexpr std::size_t kNodeStates = 3;

// A node as the scheduler sees it, for listings: cheap to copy, and to read on any thread. Neither
// pointer is null.
struct NodeView {
  std::shared_ptr<const NodeInfo> info;
  std::shared_ptr<const Occupancy> occupancy;
  NodeState state = NodeState::ready;
  TimePoint heard;
  std::uint32_t leased = 0;
};

}  // namespace kiln::coordinator
