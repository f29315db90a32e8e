// The worker process, put together from its parts.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/base/thread_pool.h"
#include "common/base/unique_fd.h"
#include "common/metrics/http_server.h"
#include "common/metrics/registry.h"
#include "common/net/bulk.h"
#include "common/net/context.h"
#include "common/net/reactor.h"
#include "common/store/blob_store.h"
#include "common/transfer/store_blobs.h"
#include "worker/executor/executor_host.h"
#include "worker/server/coordinator_link.h"
#include "worker/server/options.h"
#include "worker/server/peer_fetcher.h"
#include "worker/server/pool_desk.h"
#include "worker/server/pool_metrics.h"
#include "worker/server/pool_watch.h"
#include "worker/server/task_server.h"
#include "worker/server/worker_metrics.h"
#include "worker/staging/tree_stager.h"

namespace kiln::worker {

class Worker {
 public:
  // REQUIRES: the process has one thread (executors descend from a fork of it).
  static Result<std::unique_ptr<Worker>> create(WorkerOptions options);
  ~Worker();

  // Serves until a signal ends it in good order, or until it cannot go on.
  Status run();

 private:
  explicit Worker(WorkerOptions options) : options_(std::move(options)) {}
  Status open_store();
  Status open_sockets();
  void open_tasks(std::unique_ptr<net::Router> router);
  Status open_http();
  Status connect_coordinators();
  Status write_endpoints() const;
  void signalled();
  void publish_gauges();
  // Tells the coordinators once this turn of the reactor is over.
  void occupancy_changed();
  Occupancy occupancy();
  Status ready() const;

  // What the HTTP threads may read.
  struct Shared {
    std::mutex mutex;
    Status ready = fail(Errc::unavailable, "the worker is starting");
  };

  // Looked up once a second, not for each report.
  struct Machine {
    TimePoint stale_at;
    std::uint64_t memory_available_bytes = 0;
    double load = 0;
  };

  WorkerOptions options_;
  Logger log_;
  NodeInfo node_;
  UniqueFd lock_;
  std::unique_ptr<ExecutorHost> host_;
  std::unique_ptr<net::Reactor> reactor_;
  std::unique_ptr<net::Context> context_;
  metrics::Registry registry_;
  std::unique_ptr<WorkerMetrics> metrics_;
  std::unique_ptr<PoolMetrics> pool_metrics_;
  std::unique_ptr<store::BlobStore> store_;
  std::unique_ptr<TreeStager> stager_;
  std::unique_ptr<transfer::StoreSource> source_;
  std::unique_ptr<transfer::StoreSink> sink_;
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<ThreadPool> removals_;
  std::unique_ptr<net::BulkServer> bulk_;
  std::unique_ptr<PeerFetcher> peers_;
  std::unique_ptr<TaskServer> tasks_;
  std::unique_ptr<PoolDesk> desk_;
  std::unique_ptr<PoolWatch> watch_;
  std::vector<std::unique_ptr<CoordinatorLink>> coordinators_;
  Shared shared_;
  std::optional<metrics::HttpServer> http_;
  Status end_;
  bool stopping_ = false;
  bool report_due_ = false;
  Machine machine_;
  std::uint64_t occupancies_ = 0;  // told so far
};

}  // namespace kiln::worker
