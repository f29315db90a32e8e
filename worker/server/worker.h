// The worker process, put together from its parts.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/base/thread_pool.h"
#include "common/metrics/http_server.h"
#include "common/metrics/registry.h"
#include "common/net/both_listeners.h"
#include "common/net/bulk.h"
#include "common/net/context.h"
#include "common/net/gatekeeper.h"
#include "common/net/log_desk.h"
#include "common/net/reactor.h"
#include "common/net/relay_listener.h"
#include "common/net/relay_trunk.h"
#include "common/store/blob_store.h"
#include "common/transfer/store_blobs.h"
#include "worker/executor/executor_host.h"
#include "worker/server/coordinator_link.h"
#include "worker/server/counted_blobs.h"
#include "worker/server/guest_list.h"
#include "worker/server/log_parts.h"
#include "worker/server/node_metrics.h"
#include "worker/server/options.h"
#include "worker/server/peer_fetcher.h"
#include "worker/server/pool_desk.h"
#include "worker/server/pool_metrics.h"
#include "worker/server/pool_watch.h"
#include "worker/server/store_lock.h"
#include "worker/server/task_server.h"
#include "worker/server/worker_metrics.h"
#include "worker/staging/tree_stager.h"

namespace kiln::worker {

// The doors, as the gatekeeper and metrics call them.
inline constexpr std::string_view kTaskDoor = "task";
inline constexpr std::string_view kBulkDoor = "bulk";

class Worker {
 public:
  // REQUIRES: the process has one thread (executors descend from a fork of it).
  static Result<std::unique_ptr<Worker>> create(WorkerOptions options);
  ~Worker();

  // Serves until a signal ends it in good order, or until it cannot go on.
  Status run();

 private:
  explicit Worker(WorkerOptions options) : options_(std::move(options)) {}
  // Sets options_.store to the directory that is this worker's alone.
  Status take_store();
  Status open_store();
  void make_metrics();
  Status open_gate();
  bool admit(const net::Visitor& visitor);
  void admitted(const std::string& coordinator, const wire::Admissions& admissions);
  Status open_sockets();
  void open_tasks(std::unique_ptr<net::Listener> listener);
  Status open_http();
  Status connect_coordinators();
  Status connect_trunk(const net::Endpoint& endpoint);
  Status write_endpoints() const;
  void ordered(const wire::NodeOrder& order);
  void signalled(int number);
  void publish_gauges();
  void measure_speed();
  // Tells the coordinators once this turn of the reactor is over.
  void occupancy_changed();
  Occupancy occupancy();
  Status ready() const;

  // What the HTTP threads may read.
  struct Shared {
    std::mutex mutex;
    Status ready = fail(Errc::unavailable, "the worker is starting");
  };

  // Agents that come through coordinators.
  struct Relayed {
    explicit Relayed(bool keyed) : tasks(keyed), blobs(keyed) {}
    net::RelayListener tasks;
    net::RelayListener blobs;
  };

  // Looked up once a second, not for each report.
  struct Machine {
    TimePoint stale_at;
    std::uint64_t memory_available_bytes = 0;
    double load = 0;
  };

  WorkerOptions options_;
  PartLogs logs_{Logger()};
  NodeInfo node_;
  StoreLock store_lock_;
  std::unique_ptr<ExecutorHost> host_;
  std::unique_ptr<net::Reactor> reactor_;
  std::unique_ptr<net::Context> context_;
  GuestList guests_;
  std::unique_ptr<net::Gatekeeper> gatekeeper_;  // nullptr: no keys
  TimePoint logged_refusal_{};
  metrics::Registry registry_;
  std::unique_ptr<WorkerMetrics> metrics_;
  std::unique_ptr<PoolMetrics> pool_metrics_;
  std::unique_ptr<NodeMetrics> node_metrics_;
  std::unique_ptr<store::BlobStore> store_;
  std::unique_ptr<TreeStager> stager_;
  std::unique_ptr<transfer::StoreSource> source_;
  std::unique_ptr<transfer::StoreSink> sink_;
  std::unique_ptr<CountedSource> counted_source_;
  std::unique_ptr<CountedSink> from_agents_;
  std::unique_ptr<CountedSink> from_peers_;
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<ThreadPool> removals_;
  std::unique_ptr<Relayed> relayed_;
  std::unique_ptr<net::BulkServer> bulk_;
  std::unique_ptr<PeerFetcher> peers_;
  std::unique_ptr<TaskServer> tasks_;
  std::unique_ptr<PoolDesk> desk_;
  std::unique_ptr<PoolWatch> watch_;
  std::unique_ptr<net::LogDesk> log_desk_;
  std::vector<std::unique_ptr<CoordinatorLink>> coordinators_;
  std::vector<std::unique_ptr<net::RelayTrunk>> trunks_;
  Shared shared_;
  std::optional<metrics::HttpServer> http_;
  Status end_;
  bool stopping_ = false;
  bool report_due_ = false;
  Machine machine_;
  double core_speed_ = 0;          // as Occupancy has it
  std::uint64_t occupancies_ = 0;  // told so far
};

}  // namespace kiln::worker
