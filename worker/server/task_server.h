// The worker's task port: carries out what the TaskTable decides.
//
// One reactor thread does all of this; disk work goes to the pool. A job is touched by the reactor
// or by the one pool thread that works on it, never by both.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/base/thread_pool.h"
#include "common/net/listener.h"
#include "common/net/reactor.h"
#include "common/store/blob_store.h"
#include "worker/executor/executor_host.h"
#include "worker/needs/need_board.h"
#include "worker/server/executor_fleet.h"
#include "worker/server/job.h"
#include "worker/server/log_parts.h"
#include "worker/server/peer_fetcher.h"
#include "worker/server/pool_metrics.h"
#include "worker/server/worker_metrics.h"
#include "worker/staging/tree_stager.h"
#include "worker/tasks/stuck_watch.h"
#include "worker/tasks/task_table.h"

namespace kiln::worker {

struct TaskServerParts {
  net::Reactor& reactor;
  ThreadPool& pool;
  ThreadPool& removals;  // of what tasks left: that may take long, and nobody waits for it
  store::BlobStore& store;
  TreeStager& stager;
  ExecutorHost& host;
  PeerFetcher& peers;
  WorkerMetrics& metrics;
  PoolMetrics& pool_metrics;
  PartLogs logs;
};

class TaskServer : private ExecutorEvents {
 public:
  struct Options {
    std::string name;
    std::uint64_t epoch = 0;
    std::string version;
    NodeFacts node;
    Duration report_stuck{};  // how often tasks that last are logged; 0: never
    TablePolicy policy;
  };
  // Whether a lease's token is good; what to do when the occupancy has changed, or how a pool
  // stands; and when the worker cannot go on at all.
  struct Hooks {
    std::function<bool(const Lease&)> lease_valid;
    std::function<void()> occupancy_changed;
    std::function<void(const std::string& pool)> pool_changed;
    std::function<void(const Error&)> fatal;
  };

  TaskServer(const TaskServerParts& parts, const Options& options, Hooks hooks,
             std::unique_ptr<net::Listener> listener);
  ~TaskServer() override;

  // Makes the executors.
  void start();
  // A blob arrived in the store, by whatever way. On the reactor's thread.
  void blob_arrived(const Digest& digest);
  // The store refused a blob. Likewise.
  void blob_failed(const Digest& digest, const Error& error);
  // Whether new tasks are refused. Those that are here end as they will.
  void set_draining(bool draining);
  // No new tasks; `idle` is called once when the last one has ended and its result is fetched.
  void drain(std::function<void()> idle);

  // What runs is asked to end itself by SIGTERM, what waits is ended; other nodes get both.
  void terminate();

  // What coordinators want of pools.
  void configure_pool(const PoolTerms& terms);
  void carry_out_wish(const std::string& pool, PoolWish wish, std::uint32_t warm);
  // The pools that are here, by name.
  std::vector<std::string> pools() const { return table_.pools(); }
  PoolOnNode pool(const std::string& name) const;
  // Of executors that are ready and have no task, on this machine.
  std::vector<pid_t> idle_executors(const std::string& pool) const;
  ExecutorFleet::Resident resident(const std::string& pool) const { return fleet_.resident(pool); }

  Occupancy occupancy() const;
  std::uint32_t broken_slots() const { return table_.broken_slots(); }
  // Ends the connections of agents that may not come in any more, see Listener.
  void review(const wire::Frames& farewell) { listener_->review(farewell); }

 private:
  void receive(const net::PeerId& peer, wire::Frames frames);
  void peer_gone(const net::PeerId& peer);
  void dispatch(const net::PeerId& peer, wire::Envelope envelope);
  // Answers what has no place here.
  void refuse(const net::PeerId& peer, const Error& error);
  void receive_run(const net::PeerId& peer, wire::Run run, wire::Frames raw);
  void receive_supply(const wire::Supply& supply, wire::Frames raw);
  // The agent speaks of the attempt on this connection from now on.
  void set_peer(const AttemptId& attempt, const net::PeerId& peer);
  void receive_ack(const AttemptId& attempt);
  // That came with a message.
  void count_blobs(const wire::Frames& frames);
  void receive_reclaim(const net::PeerId& peer, const AttemptId& attempt);
  void send(const net::PeerId& peer, const wire::Message& message, wire::Frames raw = {});

  void carry_out(const Actions& actions);
  void carry_out_one(const Action& action);
  void stop_task(const StopTask& stop);
  void arm_timer();

  void stage(const AttemptId& attempt);
  void fetch_missing(const AttemptId& attempt, const JobPtr& job,
                     const std::vector<Digest>& toolchain, const std::vector<Digest>& inputs);
  void ask_peers(const AttemptId& attempt, const JobPtr& job, const std::vector<Digest>& digests);
  void ask_agent(const AttemptId& attempt, const std::vector<Digest>& digests);
  void staging_failed(const AttemptId& attempt, const Error& error);
  void drop_needs(const AttemptId& attempt);

  void start_task(const AttemptId& attempt, PlaceId place);
  bool carry_out_for_pool(const Action& action);
  ExecutorFleet::Hooks fleet_hooks();
  pid_t pid_of(const AttemptId& attempt) const;
  void report_stuck();
  void finish(const JobPtr& job, RunReport report);
  void log_end(const wire::RunResult& end) const;
  void remove_workspace(const std::filesystem::path& workspace);
  void send_result(const net::PeerId& peer, const AttemptId& attempt);
  void forget(const AttemptId& attempt);

  void executor_ready(ExecutorId id) override;
  void task_finished(ExecutorId id, RunReport report) override;
  void executor_died(ExecutorId id, Error reason) override;
  void executor_stopped(ExecutorId id) override;
  void template_ready(TemplateId id) override;
  void template_died(TemplateId id, const Error& reason) override;
  void host_failed(Error reason) override;
  void check_idle();

  TaskServerParts parts_;
  Options options_;
  Hooks hooks_;
  std::unique_ptr<net::Listener> listener_;
  TaskTable table_;
  StuckWatch stuck_;
  ExecutorFleet fleet_;
  NeedBoard needs_;
  std::set<Digest> fetching_;  // from peers, now
  std::map<AttemptId, JobPtr> jobs_;
  net::TimerId timer_ = 0;
  std::function<void()> idle_;
  bool report_due_ = false;
};

}  // namespace kiln::worker
