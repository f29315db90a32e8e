// The worker's decisions about tasks: pure, with time as an input.
//
// The worker is the authority on its slots. This table decides what is accepted, in which order
// tasks get slots, how long results are kept, and when a task whose agent fell silent is cancelled.
// The server feeds it events and carries out the actions that it returns; it never looks at a
// clock, a socket or a process itself.
//
// An attempt goes: staging (inputs travel) -> queued (waits for a slot and an executor of its pool)
// -> running -> returning (the result is completed, then kept until it is acknowledged or 30 s have
// passed). At most one attempt of a lease is anywhere before its result is complete. Beyond one
// running and one staging attempt a slot, and for each executor that its pool may have, it is Busy.
// Tasks of one pool start in their order; one that waits for an executor of its pool holds up no
// other pool's.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/time.h"
#include "common/model/lease.h"
#include "common/model/node.h"
#include "common/model/task.h"
#include "worker/pools/executor_table.h"
#include "worker/tasks/lease_ledger.h"
#include "worker/tasks/node_health.h"
#include "worker/tasks/tombstones.h"

namespace kiln::worker {

using Peer = std::string;  // whom to answer: the route to an agent

// How long things are kept and how many are held; the defaults are those of docs/protocol.md.
struct TablePolicy {
  Duration keep_result = seconds(30);
  Duration keep_silent = seconds(15);     // tasks of a peer that is gone
  Duration keep_tombstone = seconds(60);  // of ended and cancelled attempts
  Duration staging_limit = seconds(120);  // without any blob arriving
  PoolPolicy pools;
  NodeHealth::Policy health;
  std::uint64_t held_result_bytes = std::uint64_t{256} << 20U;  // not acknowledged, all together
  std::size_t tombstones = 65536;
};

// How an attempt that had a slot ended.
struct TaskEnding {
  Outcome outcome = Outcome::not_started;
  bool nodes_fault = false;        // of one that did not start
  std::uint64_t result_bytes = 0;  // held until it is acknowledged
};

// ---- What the table asks of the server ----------------------------------------------------------

struct AnswerAccepted {
  Peer peer;
  AttemptId attempt;
  TaskPhase phase = TaskPhase::staging;
  std::uint32_t position = 0;
};
struct AnswerBusy {
  Peer peer;
  AttemptId attempt;
  std::string reason;
};
struct AnswerUnknown {
  Peer peer;
  AttemptId attempt;
};
struct BeginStaging {
  AttemptId attempt;
};
struct StartTask {
  AttemptId attempt;
  PlaceId place = 0;
};
// Stops staging of, or kills, an attempt. A running one still reports its end.
struct StopTask {
  AttemptId attempt;
  bool running = false;
  PlaceId place = 0;
};
// Asks a running attempt to end itself; it still reports its end, which is not its own.
struct TerminateTask {
  AttemptId attempt;
  PlaceId place = 0;
};
struct SendResult {
  Peer peer;
  AttemptId attempt;
};
// The server makes the result itself: the attempt never ran.
struct ResultWithoutRun {
  AttemptId attempt;
  Outcome outcome = Outcome::cancelled;
  std::string message;
};
// All that the server holds of an attempt may go.
struct Forget {
  AttemptId attempt;
};
struct OccupancyChanged {};

using Action = std::variant<AnswerAccepted, AnswerBusy, AnswerUnknown, BeginStaging, StartTask,
                            StopTask, TerminateTask, SendResult, ResultWithoutRun, Forget,
                            OccupancyChanged, CreateExecutor, StopExecutor, InitialiseExecutor,
                            CreateTemplate, StopTemplate, PoolChanged, WarmStepTook>;
using Actions = std::vector<Action>;

class TaskTable {
 public:
  // REQUIRES: slots > 0.
  TaskTable(const NodeFacts& node, const TablePolicy& policy);

  // The default pool's executors. Call once.
  Actions start(TimePoint now);

  // An agent's messages. `lease_valid`: the token verifies under a known coordinator's secret.
  Actions run(const Peer& peer, const Lease& lease, bool lease_valid, const AttemptId& attempt,
              const std::string& label, TimePoint now);
  Actions ack(const AttemptId& attempt, TimePoint now);
  Actions cancel(const AttemptId& attempt, TimePoint now);
  Actions reclaim(const Peer& peer, const AttemptId& attempt, TimePoint now);
  Actions peer_gone(const Peer& peer, TimePoint now);

  // The server's reports.
  void staging_progress(const AttemptId& attempt, TimePoint now);
  // `toolchain_was_there`: it was staged before the task came.
  Actions staged(const AttemptId& attempt, bool toolchain_was_there, TimePoint now);
  // `nodes_fault`: another task would have fared no better.
  Actions staging_failed(const AttemptId& attempt, const std::string& reason, bool nodes_fault,
                         TimePoint now);
  // The command ended, its executor may have the next one; `finished` follows. Not to be called for
  // Outcome::executor_lost.
  Actions slot_freed(const AttemptId& attempt, Outcome outcome, TimePoint now);
  // The command ended and the result is complete in the server's hands.
  Actions finished(const AttemptId& attempt, const TaskEnding& end, TimePoint now);
  Actions executor_ready(PlaceId place, TimePoint now);
  Actions initialised(PlaceId place, const InitialiserEnd& end, TimePoint now);
  // See PoolExecutors; `pool` may be one that is not here.
  void executor_begun(PlaceId place, TimePoint now) { pools_.executor_begun(place, now); }
  Actions pool_staging_failed(const std::string& pool, const std::string& reason, bool lasting,
                              TimePoint now);
  Actions pool_staged(const std::string& pool, TimePoint now);
  // An executor died or could not be made; its task, if any, is reported by `finished` afterwards.
  Actions executor_lost(PlaceId place, const std::string& reason, TimePoint now);
  Actions executor_stopped(PlaceId place, TimePoint now);
  Actions template_ready(const std::string& pool, TimePoint now);
  Actions template_lost(const std::string& pool, const std::string& reason, TimePoint now);

  // What coordinators want of pools; see ExecutorTable.
  Actions configure_pool(const PoolTerms& terms, TimePoint now);
  Actions warm_pool(const std::string& pool, std::uint32_t count, TimePoint now);
  Actions quiesce_pool(const std::string& pool, TimePoint now);

  // No new tasks from now on, or again.
  Actions set_draining(bool draining, TimePoint now);

  // The worker ends soon: asks what runs to end itself, and ends what has not begun to run.
  Actions terminate(TimePoint now);

  // What time alone brings: kept results that expire, silent peers, restarts.
  Actions tick(TimePoint now);
  std::optional<TimePoint> next_deadline() const;

  // Slots, queue and counts as they stand; the server adds toolchains, load, memory and pids.
  Occupancy occupancy(TimePoint now) const;
  // Where the task runs; nothing when it does not.
  std::optional<PlaceId> place_of(const AttemptId& attempt) const;
  // Tasks that have no result yet.
  std::vector<TaskStatus> unfinished_tasks(TimePoint now) const;
  // Nothing staged, queued or running.
  bool idle() const;
  bool draining() const { return draining_; }
  std::uint32_t broken_slots() const;

  std::vector<std::string> pools() const { return pools_.names(); }
  PoolOnNode pool(const std::string& name) const;
  PoolExecutors::Counts pool_counts(const std::string& name) const { return pools_.counts(name); }

 private:
  struct Entry {
    Peer peer;
    LeaseId lease;
    std::string label;
    std::string pool;
    TaskPhase phase = TaskPhase::staging;
    TimePoint accepted;
    TimePoint since;                         // of the phase
    TimePoint deadline;                      // staging and returning: when patience ends
    std::optional<TimePoint> gone_deadline;  // the peer is gone; cancelled then
    std::optional<PlaceId> place;
    std::uint64_t result_bytes = 0;
    bool first = false;  // of its pool since that started or woke
    bool cold = false;   // its toolchain was not there when it came
    bool cancelled = false;
    bool ended = false;  // the result is complete
  };

  std::optional<std::string> refusal(const Lease& lease, bool lease_valid, TimePoint now);
  bool answer_known(const Peer& peer, const AttemptId& attempt, Actions& out);
  void end_without_run(const AttemptId& attempt, Outcome outcome, const std::string& message,
                       NodeHealth::Verdict verdict, TimePoint now, Actions& out);
  void complete(const AttemptId& attempt, Entry& entry, bool failed, NodeHealth::Verdict verdict,
                TimePoint now, Actions& out);
  void leave_place(const AttemptId& attempt, Entry& entry, Outcome outcome, TimePoint now);
  void return_result(Entry& entry, TimePoint now, Actions& out);
  void end_hopeless(TimePoint now, Actions& out);
  void forget(const AttemptId& attempt, TimePoint now, Actions& out);
  void stop(const AttemptId& attempt, Entry& entry, TimePoint now, Actions& out);
  void dispatch(TimePoint now, Actions& out);
  void start_on(const AttemptId& attempt, const PoolExecutors::Taken& taken, TimePoint now,
                Actions& out);
  // What follows from a decision of the pools; coordinators are told of the occupancy first where
  // the event may change it whatever the pools decide.
  enum class Tell { nothing, occupancy };
  using Decision = std::function<void(PoolActions&)>;
  Actions decide(Tell tell, TimePoint now, const Decision& decision);
  // After what may have made executors ready, or a pool hopeless.
  void pools_changed(PoolActions changes, TimePoint now, Actions& out);
  void expire_entries(TimePoint now, Actions& out);
  std::uint32_t position_of(const AttemptId& attempt) const;
  std::uint32_t unfinished() const;
  static TaskStatus status_of(const AttemptId& attempt, const Entry& entry, TimePoint now);

  const TablePolicy policy_;
  const std::uint32_t slots_;
  ExecutorTable pools_;
  std::map<PlaceId, AttemptId> running_;
  std::map<AttemptId, Entry> entries_;
  std::deque<AttemptId> queue_;  // staged, waiting for a slot and an executor
  LeaseLedger leases_;
  Tombstones tombstones_;
  NodeHealth health_;
  std::uint64_t held_bytes_ = 0;  // of results
  bool draining_ = false;
  std::uint64_t completed_ = 0;
  std::uint64_t failed_ = 0;
};

}  // namespace kiln::worker
