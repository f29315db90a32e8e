// Every message of Kiln, one struct a kind. docs/protocol.md says who sends it, when, and what a
// missing answer means. `describe` names the fields: it is all that the codec needs. Fields may be
// added; unknown ones are ignored, missing ones keep their defaults, wrong types are refused.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/digest.h"
#include "common/model/lease.h"
#include "common/model/node.h"
#include "common/model/pool.h"
#include "common/model/task.h"
#include "common/wire/admission_messages.h"
#include "common/wire/node_messages.h"
#include "common/wire/relay_messages.h"
#include "common/wire/session_messages.h"

namespace kiln::wire {

// Raised when a message changes so that an older peer could misunderstand it.
inline constexpr std::uint16_t kProtocolVersion = 1;

#define KILN_FIELDS(...)                              \
  template <typename Self, typename Visitor>          \
  static void describe(Self& self, Visitor&& visit) { \
    __VA_ARGS__                                       \
  }
#define KILN_FIELD(field) visit(#field, self.field);

// ---- Any connection ----------------------------------------------------------------------------

// The answer to anything that cannot be served: the peer's request, and why.
struct Refused {
  std::uint64_t request = 0;  // of the refused message, 0 when it had none
  std::string code;           // an Errc by name
  std::string reason;
  KILN_FIELDS(KILN_FIELD(request) KILN_FIELD(code) KILN_FIELD(reason))
  friend bool operator==(const Refused&, const Refused&) = default;
};

// Proof of life in either direction, answered by Pong with the same number.
struct Ping {
  std::uint64_t number = 0;
  KILN_FIELDS(KILN_FIELD(number))
  friend bool operator==(const Ping&, const Ping&) = default;
};
struct Pong {
  std::uint64_t number = 0;
  KILN_FIELDS(KILN_FIELD(number))
  friend bool operator==(const Pong&, const Pong&) = default;
};

// ---- Worker and coordinator
// ----------------------------------------------------------------------

struct WorkerHello {
  NodeInfo node;
  Occupancy occupancy;
  KILN_FIELDS(KILN_FIELD(node) KILN_FIELD(occupancy))
  friend bool operator==(const WorkerHello&, const WorkerHello&) = default;
};
struct WorkerWelcome {
  std::uint64_t coordinator_epoch = 0;
  std::string lease_secret;  // key of the lease tokens of this epoch
  std::uint32_t heartbeat_ms = 1000;
  std::uint32_t missed_heartbeats = 3;
  KILN_FIELDS(KILN_FIELD(coordinator_epoch) KILN_FIELD(lease_secret) KILN_FIELD(heartbeat_ms)
                  KILN_FIELD(missed_heartbeats))
  friend bool operator==(const WorkerWelcome&, const WorkerWelcome&) = default;
};
// On every change and as the heartbeat.
struct OccupancyReport {
  std::string worker;
  std::uint64_t worker_epoch = 0;
  Occupancy occupancy;
  KILN_FIELDS(KILN_FIELD(worker) KILN_FIELD(worker_epoch) KILN_FIELD(occupancy))
  friend bool operator==(const OccupancyReport&, const OccupancyReport&) = default;
};
// The worker leaves in good order.
struct WorkerGoodbye {
  std::string worker;
  std::uint64_t worker_epoch = 0;
  std::string reason;
  KILN_FIELDS(KILN_FIELD(worker) KILN_FIELD(worker_epoch) KILN_FIELD(reason))
  friend bool operator==(const WorkerGoodbye&, const WorkerGoodbye&) = default;
};

// What the coordinator wants of pools on this node: all of them after WELCOME (`complete`: others
// of this coordinator's are void), then those that changed.
struct PoolOrders {
  std::uint64_t coordinator_epoch = 0;
  bool complete = false;
  std::vector<PoolOrder> orders;
  KILN_FIELDS(KILN_FIELD(coordinator_epoch) KILN_FIELD(complete) KILN_FIELD(orders))
  friend bool operator==(const PoolOrders&, const PoolOrders&) = default;
};
// How pools stand on the node: all of them after WELCOME, with every definition and tombstone that
// the worker knows, then those that changed.
struct PoolReport {
  std::string worker;
  std::uint64_t worker_epoch = 0;
  bool complete = false;
  std::vector<PoolOnNode> pools;
  std::vector<PoolDefinition> definitions;
  std::uint64_t coordinator_epoch = 0;  // of whose orders the pools' numbers are; 0: they have none
  KILN_FIELDS(KILN_FIELD(worker) KILN_FIELD(worker_epoch) KILN_FIELD(complete) KILN_FIELD(pools)
                  KILN_FIELD(definitions) KILN_FIELD(coordinator_epoch))
  friend bool operator==(const PoolReport&, const PoolReport&) = default;
};

// ---- Agent and coordinator
// -----------------------------------------------------------------------

struct ClientHello {
  std::uint64_t client_epoch = 0;
  std::string host;
  std::string user;
  std::string version;
  KILN_FIELDS(KILN_FIELD(client_epoch) KILN_FIELD(host) KILN_FIELD(user) KILN_FIELD(version))
  friend bool operator==(const ClientHello&, const ClientHello&) = default;
};
struct ClientWelcome {
  std::uint64_t coordinator_epoch = 0;
  std::string version;
  std::uint32_t heartbeat_ms = 1000;
  std::uint32_t missed_heartbeats = 3;
  KILN_FIELDS(KILN_FIELD(coordinator_epoch) KILN_FIELD(version) KILN_FIELD(heartbeat_ms)
                  KILN_FIELD(missed_heartbeats))
  friend bool operator==(const ClientWelcome&, const ClientWelcome&) = default;
};
// Asks for leases. Answered by Grants as slots come free, or by Refused.
struct Acquire {
  std::uint64_t request = 0;
  std::string pool = "default";
  Digest toolchain;
  std::string architecture;           // that the toolchain runs on
  std::string key;                    // tasks of one key like to meet on one node
  std::int32_t priority = 0;          // higher first
  std::string build;                  // fair shares are between builds
  std::uint32_t count = 1;            // leases wanted
  std::uint64_t size_hint_bytes = 0;  // of the inputs
  std::vector<std::string> excluded;  // worker names that just failed this task
  KILN_FIELDS(KILN_FIELD(request) KILN_FIELD(pool) KILN_FIELD(toolchain) KILN_FIELD(architecture)
                  KILN_FIELD(key) KILN_FIELD(priority) KILN_FIELD(build) KILN_FIELD(count)
                      KILN_FIELD(size_hint_bytes) KILN_FIELD(excluded))
  friend bool operator==(const Acquire&, const Acquire&) = default;
};
struct GrantedLease {
  Lease lease;
  std::string task_address;
  std::string bulk_address;
  std::vector<std::string> toolchain_sources;  // bulk addresses of workers that have it staged
  KILN_FIELDS(KILN_FIELD(lease) KILN_FIELD(task_address) KILN_FIELD(bulk_address)
                  KILN_FIELD(toolchain_sources))
  friend bool operator==(const GrantedLease&, const GrantedLease&) = default;
};
struct Grant {
  std::uint64_t request = 0;
  std::vector<GrantedLease> leases;
  KILN_FIELDS(KILN_FIELD(request) KILN_FIELD(leases))
  friend bool operator==(const Grant&, const Grant&) = default;
};
// Withdraws what is still open of a request; leases already granted stay granted.
struct AcquireCancel {
  std::uint64_t request = 0;
  KILN_FIELDS(KILN_FIELD(request))
  friend bool operator==(const AcquireCancel&, const AcquireCancel&) = default;
};
// Gives leases back before they are used up.
struct Release {
  std::vector<LeaseId> leases;
  KILN_FIELDS(KILN_FIELD(leases))
  friend bool operator==(const Release&, const Release&) = default;
};

struct NodeStatus {
  NodeInfo node;
  Occupancy occupancy;
  std::string state;  // ready, draining, lost
  std::uint64_t silent_ms = 0;
  std::uint32_t leased = 0;
  KILN_FIELDS(KILN_FIELD(node) KILN_FIELD(occupancy) KILN_FIELD(state) KILN_FIELD(silent_ms)
                  KILN_FIELD(leased))
  friend bool operator==(const NodeStatus&, const NodeStatus&) = default;
};
struct FarmQuery {
  std::uint64_t request = 0;
  KILN_FIELDS(KILN_FIELD(request))
  friend bool operator==(const FarmQuery&, const FarmQuery&) = default;
};
struct FarmStatus {
  std::uint64_t request = 0;
  std::string coordinator_version;
  std::vector<NodeStatus> nodes;
  std::uint32_t waiting_requests = 0;
  std::uint32_t clients = 0;
  KILN_FIELDS(KILN_FIELD(request) KILN_FIELD(coordinator_version) KILN_FIELD(nodes)
                  KILN_FIELD(waiting_requests) KILN_FIELD(clients))
  friend bool operator==(const FarmStatus&, const FarmStatus&) = default;
};

// Creates or changes a pool. Answered by PoolAnswer as soon as its nodes have taken it up, at most
// a second later, and with `warm` at once: whoever waits for warmth asks with PoolQuery. Refused:
// already_exists (another definition has the name; the reason names the difference), not_found,
// invalid_argument, unavailable.
struct PoolChange {
  std::uint64_t request = 0;
  std::string action;  // create, warm, quiesce, wake, resize, delete
  PoolSpec spec;  // create: all of it; warm: its name, and toolchains to be staged; else its name
  // create and warm: executors to be ready, on all nodes together; resize: executors on each node.
  std::uint32_t count = 0;
  bool all = false;  // create, warm and wake: every executor, whatever `count` says
  KILN_FIELDS(KILN_FIELD(request) KILN_FIELD(action) KILN_FIELD(spec) KILN_FIELD(count)
                  KILN_FIELD(all))
  friend bool operator==(const PoolChange&, const PoolChange&) = default;
};
struct PoolQuery {
  std::uint64_t request = 0;
  std::string name;  // empty: all pools
  KILN_FIELDS(KILN_FIELD(request) KILN_FIELD(name))
  friend bool operator==(const PoolQuery&, const PoolQuery&) = default;
};
struct PoolNode {
  std::string node;
  std::string state;         // of the node: ready, draining, lost
  std::uint32_t wanted = 0;  // executors that it was last asked to have ready
  bool answered = false;     // `pool` is since the order that is in force
  PoolOnNode pool;
  KILN_FIELDS(KILN_FIELD(node) KILN_FIELD(state) KILN_FIELD(wanted) KILN_FIELD(answered)
                  KILN_FIELD(pool))
  friend bool operator==(const PoolNode&, const PoolNode&) = default;
};
struct PoolStatus {
  PoolDefinition definition;
  std::vector<PoolNode> nodes;         // the selected ones, by name
  std::uint32_t waiting_requests = 0;  // for leases
  KILN_FIELDS(KILN_FIELD(definition) KILN_FIELD(nodes) KILN_FIELD(waiting_requests))
  friend bool operator==(const PoolStatus&, const PoolStatus&) = default;
};
struct PoolAnswer {
  std::uint64_t request = 0;
  bool existed = false;  // create: the same pool was there already
  std::vector<PoolStatus> pools;
  KILN_FIELDS(KILN_FIELD(request) KILN_FIELD(existed) KILN_FIELD(pools))
  friend bool operator==(const PoolAnswer&, const PoolAnswer&) = default;
};

// ---- Agent and worker: the task socket
// -----------------------------------------------------------

struct PeerHello {
  std::uint64_t client_epoch = 0;
  std::string host;
  std::string version;
  KILN_FIELDS(KILN_FIELD(client_epoch) KILN_FIELD(host) KILN_FIELD(version))
  friend bool operator==(const PeerHello&, const PeerHello&) = default;
};
struct PeerWelcome {
  std::string worker;
  std::uint64_t worker_epoch = 0;
  std::string version;
  KILN_FIELDS(KILN_FIELD(worker) KILN_FIELD(worker_epoch) KILN_FIELD(version))
  friend bool operator==(const PeerWelcome&, const PeerWelcome&) = default;
};
enum class Encoding : std::uint8_t { raw, zstd };
// A blob whose bytes are one raw frame of the same message, in the order of the listing.
struct InlineBlob {
  Digest digest;
  std::uint64_t size = 0;  // decoded bytes
  Encoding encoding = Encoding::raw;
  KILN_FIELDS(KILN_FIELD(digest) KILN_FIELD(size) KILN_FIELD(encoding))
  friend bool operator==(const InlineBlob&, const InlineBlob&) = default;
};
// Raw frames: the inline blobs (listings and small inputs that the worker probably lacks).
struct Run {
  Lease lease;
  AttemptId attempt;
  Task task;
  std::vector<InlineBlob> blobs;
  std::vector<std::string> toolchain_sources;  // bulk addresses of peers
  // For people who look at the node: which build it is of, and whose, as user@host.
  std::string build = {};
  std::string client = {};
  KILN_FIELDS(KILN_FIELD(lease) KILN_FIELD(attempt) KILN_FIELD(task) KILN_FIELD(blobs)
                  KILN_FIELD(toolchain_sources) KILN_FIELD(build) KILN_FIELD(client))
  friend bool operator==(const Run&, const Run&) = default;
};
struct Accepted {
  AttemptId attempt;
  TaskPhase phase = TaskPhase::running;
  std::uint32_t position = 0;  // in the queue, from 1
  KILN_FIELDS(KILN_FIELD(attempt) KILN_FIELD(phase) KILN_FIELD(position))
  friend bool operator==(const Accepted&, const Accepted&) = default;
};
// The worker will not run it: not a failure of the task.
struct Busy {
  AttemptId attempt;
  std::string reason;  // a stable word, listed in docs/protocol.md
  KILN_FIELDS(KILN_FIELD(attempt) KILN_FIELD(reason))
  friend bool operator==(const Busy&, const Busy&) = default;
};
// The worker waits for these blobs, sent on the bulk socket or by Supply.
struct Need {
  AttemptId attempt;
  std::vector<Digest> digests;
  KILN_FIELDS(KILN_FIELD(attempt) KILN_FIELD(digests))
  friend bool operator==(const Need&, const Need&) = default;
};
// Answers Need with small blobs as raw frames; `missing` are those that the agent has not (any
// more).
struct Supply {
  AttemptId attempt;
  std::vector<InlineBlob> blobs;
  std::vector<Digest> missing;
  KILN_FIELDS(KILN_FIELD(attempt) KILN_FIELD(blobs) KILN_FIELD(missing))
  friend bool operator==(const Supply&, const Supply&) = default;
};
// Raw frames: stdout, stderr, then the inline outputs. Outputs that are not inline are fetched by
// digest on the bulk socket before Ack.
struct RunResult {
  AttemptId attempt;
  TaskResult result;
  Encoding stdout_encoding = Encoding::raw;
  std::uint64_t stdout_size = 0;
  Encoding stderr_encoding = Encoding::raw;
  std::uint64_t stderr_size = 0;
  std::vector<InlineBlob> blobs;
  KILN_FIELDS(KILN_FIELD(attempt) KILN_FIELD(result) KILN_FIELD(stdout_encoding)
                  KILN_FIELD(stdout_size) KILN_FIELD(stderr_encoding) KILN_FIELD(stderr_size)
                      KILN_FIELD(blobs))
  friend bool operator==(const RunResult&, const RunResult&) = default;
};
// The agent has the result; the worker forgets it.
struct Ack {
  AttemptId attempt;
  KILN_FIELDS(KILN_FIELD(attempt))
  friend bool operator==(const Ack&, const Ack&) = default;
};
struct Cancel {
  AttemptId attempt;
  KILN_FIELDS(KILN_FIELD(attempt))
  friend bool operator==(const Cancel&, const Cancel&) = default;
};
// Asks for the state of an attempt after silence: answered by Accepted, RunResult or Unknown.
struct Reclaim {
  AttemptId attempt;
  KILN_FIELDS(KILN_FIELD(attempt))
  friend bool operator==(const Reclaim&, const Reclaim&) = default;
};
struct Unknown {
  AttemptId attempt;
  KILN_FIELDS(KILN_FIELD(attempt))
  friend bool operator==(const Unknown&, const Unknown&) = default;
};

// ---- The bulk socket: blobs in chunks under byte credits granted by the receiver
// ------------------

struct PutOpen {
  std::uint64_t transfer = 0;  // chosen by the opener, unique on its connection
  Digest digest;
  std::uint64_t size = 0;  // decoded bytes
  Encoding encoding = Encoding::raw;
  KILN_FIELDS(KILN_FIELD(transfer) KILN_FIELD(digest) KILN_FIELD(size) KILN_FIELD(encoding))
  friend bool operator==(const PutOpen&, const PutOpen&) = default;
};
struct GetOpen {
  std::uint64_t transfer = 0;
  Digest digest;
  std::uint64_t credit_bytes = 0;
  KILN_FIELDS(KILN_FIELD(transfer) KILN_FIELD(digest) KILN_FIELD(credit_bytes))
  friend bool operator==(const GetOpen&, const GetOpen&) = default;
};
// The first answer to GetOpen; chunks follow.
struct GetStart {
  std::uint64_t transfer = 0;
  std::uint64_t size = 0;  // decoded bytes
  Encoding encoding = Encoding::raw;
  KILN_FIELDS(KILN_FIELD(transfer) KILN_FIELD(size) KILN_FIELD(encoding))
  friend bool operator==(const GetStart&, const GetStart&) = default;
};
struct Credit {
  std::uint64_t transfer = 0;
  std::uint64_t bytes = 0;  // more encoded bytes that may be sent
  KILN_FIELDS(KILN_FIELD(transfer) KILN_FIELD(bytes))
  friend bool operator==(const Credit&, const Credit&) = default;
};
// One raw frame of at most 256 KiB of encoded bytes.
struct Chunk {
  std::uint64_t transfer = 0;
  std::uint64_t offset = 0;  // of its first encoded byte
  bool last = false;
  KILN_FIELDS(KILN_FIELD(transfer) KILN_FIELD(offset) KILN_FIELD(last))
  friend bool operator==(const Chunk&, const Chunk&) = default;
};
// The receiver of a Put has stored the blob (code empty), or any side ends the transfer.
struct TransferDone {
  std::uint64_t transfer = 0;
  std::string code;  // empty: stored and verified; else an Errc by name
  std::string reason;
  KILN_FIELDS(KILN_FIELD(transfer) KILN_FIELD(code) KILN_FIELD(reason))
  friend bool operator==(const TransferDone&, const TransferDone&) = default;
};

// ---- Launcher and agent: a UNIX stream socket
// ----------------------------------------------------

// One compiler call. The connection lives as long as the call: closing it cancels the call.
struct Call {
  std::vector<std::string> argv;  // argv[0]: the compiler as the caller named it
  std::string cwd;
  std::vector<std::pair<std::string, std::string>> environment;
  std::uint32_t umask = 022;
  std::uint32_t version = kProtocolVersion;
  std::string kind = "compile";      // compile, or run for `kiln run`
  std::vector<std::string> inputs;   // run: declared input files and directories
  std::vector<std::string> outputs;  // run: declared outputs
  // Absolute path that the launcher found for argv[0], never one of Kiln's own links; run: may be
  // empty, when the command exists only where it will run.
  std::string program;
  bool stdout_is_terminal = false;  // compilers choose colour by what these say
  bool stderr_is_terminal = false;
  // Which files the caller's paths mean: device and inode of its "/" and the inode of its mount
  // namespace. 0: not known.
  std::uint64_t root_device = 0;
  std::uint64_t root_inode = 0;
  std::uint64_t mount_namespace = 0;
  KILN_FIELDS(KILN_FIELD(argv) KILN_FIELD(cwd) KILN_FIELD(environment) KILN_FIELD(umask)
                  KILN_FIELD(version) KILN_FIELD(kind) KILN_FIELD(inputs) KILN_FIELD(outputs)
                      KILN_FIELD(program) KILN_FIELD(stdout_is_terminal)
                          KILN_FIELD(stderr_is_terminal) KILN_FIELD(root_device)
                              KILN_FIELD(root_inode) KILN_FIELD(mount_namespace))
  friend bool operator==(const Call&, const Call&) = default;
};
// The launcher runs the command itself, in its own place.
struct CallLocally {
  std::string program;     // absolute path to execute
  bool wants_slot = true;  // takes one of the machine's local slots first
  std::string reason;      // stable word, for the log and `kiln why`
  std::uint64_t call = 0;  // to report the end under
  KILN_FIELDS(KILN_FIELD(program) KILN_FIELD(wants_slot) KILN_FIELD(reason) KILN_FIELD(call))
  friend bool operator==(const CallLocally&, const CallLocally&) = default;
};
// The call ran remotely; its outputs are in place. Raw frames: stdout, stderr. A signal is
// re-raised.
struct CallDone {
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;
  KILN_FIELDS(KILN_FIELD(exit_code) KILN_FIELD(signal))
  friend bool operator==(const CallDone&, const CallDone&) = default;
};
// It cannot run anywhere (KILN_FALLBACK=0, a bad setting): the launcher prints it and exits with 1.
struct CallFailed {
  std::string reason;
  KILN_FIELDS(KILN_FIELD(reason))
  friend bool operator==(const CallFailed&, const CallFailed&) = default;
};
// A person's command: `kiln status` and its like.
struct Command {
  std::string name;
  std::vector<std::string> arguments;
  std::string cwd;
  std::vector<std::pair<std::string, std::string>> environment;
  KILN_FIELDS(KILN_FIELD(name) KILN_FIELD(arguments) KILN_FIELD(cwd) KILN_FIELD(environment))
  friend bool operator==(const Command&, const Command&) = default;
};
// Raw frame: the answer as JSON.
struct CommandReply {
  std::string error;  // empty: all well
  std::string code;   // of the error: an Errc by name
  KILN_FIELDS(KILN_FIELD(error) KILN_FIELD(code))
  friend bool operator==(const CommandReply&, const CommandReply&) = default;
};

#undef KILN_FIELD
#undef KILN_FIELDS

// The order gives each kind its number on the wire (from 1): append only.
using Message =
    std::variant<Refused, Ping, Pong,                                                        //
                 WorkerHello, WorkerWelcome, OccupancyReport, WorkerGoodbye,                 //
                 ClientHello, ClientWelcome, Acquire, Grant, AcquireCancel, Release,         //
                 FarmQuery, FarmStatus,                                                      //
                 PeerHello, PeerWelcome, Run, Accepted, Busy, Need, Supply, RunResult, Ack,  //
                 Cancel, Reclaim, Unknown,                                                   //
                 PutOpen, GetOpen, GetStart, Credit, Chunk, TransferDone,                    //
                 Call, CallLocally, CallDone, CallFailed, Command, CommandReply,             //
                 PoolOrders, PoolReport, PoolChange, PoolQuery, PoolAnswer,                  //
                 SessionHello, SessionWelcome, SessionTask, SessionResult, SessionCancel,    //
                 Admissions,                                                                 //
                 RelayHello, RelayOpen, RelayClose,                                          //
                 NodeChange, NodeChanged, NodeOrder, LogChange, LogState>;

}  // namespace kiln::wire
