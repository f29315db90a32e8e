#include "worker/server/worker.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include <sys/resource.h>

#include "common/base/files.h"
#include "common/base/machine.h"
#include "common/base/version.h"
#include "worker/sandbox/system_calls.h"

namespace kiln::worker {
namespace {

// Toolchains pin their blobs, so they must leave room for those of the inputs. Instances that are
// copies take room beside the store's.
TreeStager::Options staging_options(const WorkerOptions& options) {
  TreeStager::Options staging;
  staging.directory = options.store;
  if (options.store_limit_bytes > 0) {
    staging.toolchain_limit_bytes = options.store_limit_bytes / 2;
    staging.instance_limit_bytes = options.store_limit_bytes / 4;
  }
  return staging;
}

// Each connection, running task and blob in transit takes some. The tasks descend from a process
// forked before, and keep the limit that this one was given.
void allow_many_files() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

// The last part of the grace time, in which tasks that were asked to end may do so.
Duration own_time(Duration grace) {
  return std::min<Duration>(seconds(2), grace / 4);
}

std::string with_port(const net::Endpoint& base, std::uint16_t port) {
  return net::Endpoint{base.host, port, base.key}.text();
}

}  // namespace

Result<std::unique_ptr<Worker>> Worker::create(WorkerOptions options) {
  std::unique_ptr<Worker> worker(new Worker(std::move(options)));
  KILN_TRY_ASSIGN(const auto log, Logger::open(worker->options_.log));
  worker->logs_ = PartLogs(log);
  KILN_TRY(worker->take_store());
  HostOptions host;
  host.scratch = worker->options_.store / "scratch";
  KILN_TRY_ASSIGN(worker->host_, ExecutorHost::start(host));
  allow_many_files();
  if (!can_filter_system_calls()) {
    worker->logs_.main.warning("no_system_call_filter",
                               {{"reason", "this kernel or container has no seccomp filters"},
                                {"risk", "tasks may make every system call that their user may"}});
  }
  KILN_TRY_ASSIGN(worker->reactor_, net::Reactor::create());
  auto* self = worker.get();
  // Without a file, the end of its terminal is the end of it.
  std::vector<int> signals = {SIGTERM, SIGINT};
  if (!log.file().empty()) signals.push_back(SIGHUP);
  KILN_TRY(
      worker->reactor_->watch_signals(signals, [self](int number) { self->signalled(number); }));
  worker->log_desk_ = std::make_unique<net::LogDesk>(*worker->reactor_, log);
  KILN_TRY(worker->open_gate());
  KILN_TRY(worker->open_store());
  worker->make_metrics();
  KILN_TRY(worker->open_sockets());
  KILN_TRY(worker->open_http());
  KILN_TRY(worker->connect_coordinators());
  KILN_TRY(worker->write_endpoints());
  return worker;
}

// Sockets and links go before the pool, the pool before what its work reads. The reactor is next:
// what it never came to do still holds blobs and trees, which must go before their owners.
Worker::~Worker() {
  http_.reset();
  coordinators_.clear();
  log_desk_.reset();
  trunks_.clear();
  watch_.reset();
  desk_.reset();
  tasks_.reset();
  peers_.reset();
  bulk_.reset();
  pool_.reset();
  gatekeeper_.reset();
  removals_.reset();  // before the executor host, which owns the place of the workspaces
  reactor_.reset();
}

Status Worker::take_store() {
  auto taken = options_.store_pool.empty() ? StoreLock::take(options_.store)
                                           : StoreLock::take_first(options_.store_pool);
  if (!taken)
    return fail(taken.error().within(options_.store_pool.empty() ? "--store" : "--store-pool"));
  store_lock_ = std::move(*taken);
  options_.store = store_lock_.directory();
  return {};
}

Status Worker::open_store() {
  KILN_TRY_ASSIGN(store_, store::BlobStore::open({.directory = options_.store,
                                                  .limit_bytes = options_.store_limit_bytes,
                                                  .file_system = nullptr}));
  KILN_TRY_ASSIGN(stager_, TreeStager::open(staging_options(options_), *store_));
  source_ = std::make_unique<transfer::StoreSource>(*store_);
  const auto stored = [this](store::Pin pin) {
    // The pin lives until the tasks that wait for the blob were told.
    auto kept = std::make_shared<store::Pin>(std::move(pin));
    reactor_->post([this, kept] {
      if (tasks_) tasks_->blob_arrived(kept->digest());
    });
  };
  const auto failed = [this](const Digest& digest, const Error& error) {
    reactor_->post([this, digest, error] {
      if (tasks_) tasks_->blob_failed(digest, error);
    });
  };
  sink_ = std::make_unique<transfer::StoreSink>(*store_, stored, failed);
  pool_ = std::make_unique<ThreadPool>(std::max(2U, usable_cores()));
  removals_ = std::make_unique<ThreadPool>(1);
  return {};
}

void Worker::make_metrics() {
  registry_.set_build_info("worker", std::string(kVersion));
  metrics_ = std::make_unique<WorkerMetrics>(registry_);
  pool_metrics_ = std::make_unique<PoolMetrics>(registry_);
  node_metrics_ = std::make_unique<NodeMetrics>(registry_, options_.name, options_.store);
  const auto& bytes = metrics_->blob_bytes();
  counted_source_ = std::make_unique<CountedSource>(*source_, bytes.sent);
  from_agents_ = std::make_unique<CountedSink>(*sink_, bytes.from_agents);
  from_peers_ = std::make_unique<CountedSink>(*sink_, bytes.from_peers);
}

Status Worker::open_sockets() {
  const net::BulkParts parts{*reactor_, *context_, *pool_, *counted_source_, *from_agents_};
  net::SocketOptions tasks;
  tasks.domain = kTaskDoor;
  auto router = net::Router::bind(*reactor_, *context_, options_.listen.text(), tasks);
  if (!router) return fail(router.error().within("--listen " + options_.listen.text()));
  KILN_TRY_ASSIGN(const auto bound, net::parse_endpoint((*router)->endpoint(), 0));
  const std::uint16_t next =
      options_.listen.port == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(bound.port + 1);
  net::BulkOptions blobs;
  blobs.domain = kBulkDoor;
  auto bulk = net::BulkServer::bind(parts, with_port(options_.listen, next), blobs);
  if (!bulk) return fail(bulk.error().within("--listen, the port for blobs after it"));
  KILN_TRY_ASSIGN(const auto bulk_bound, net::parse_endpoint((*bulk)->endpoint(), 0));

  const std::uint16_t advertised =
      options_.advertise.port == 0 ? bound.port : options_.advertise.port;
  const std::uint16_t advertised_bulk =
      options_.advertise.port == 0 ? bulk_bound.port : static_cast<std::uint16_t>(advertised + 1);
  node_ = NodeInfo{options_.name,
                   random_epoch(),
                   std::string(kVersion),
                   with_port(options_.advertise, advertised),
                   with_port(options_.advertise, advertised_bulk),
                   options_.slots,
                   usable_memory_bytes(),
                   architecture(),
                   options_.labels};
  relayed_ = std::make_unique<Relayed>(gatekeeper_ != nullptr);
  auto for_tasks = std::make_unique<net::BothListeners>(std::move(*router), relayed_->tasks);
  auto for_blobs = std::make_unique<net::BothListeners>(std::move(*bulk), relayed_->blobs);
  if (gatekeeper_) {
    for_tasks->set_guard([this](const PublicKey& key) { return guests_.may_run(key); });
    for_blobs->set_guard([this](const PublicKey& key) { return guests_.may_fetch(key); });
  }
  bulk_ = std::make_unique<net::BulkServer>(parts, std::move(for_blobs), blobs);
  peers_ = std::make_unique<PeerFetcher>(
      net::BulkParts{*reactor_, *context_, *pool_, *source_, *from_peers_}, node_.bulk_address);
  open_tasks(std::move(for_tasks));
  return {};
}

void Worker::open_tasks(std::unique_ptr<net::Listener> listener) {
  TaskServer::Hooks hooks;
  hooks.lease_valid = [this](const Lease& lease) {
    return std::any_of(coordinators_.begin(), coordinators_.end(),
                       [&](const auto& link) { return link->verifies(lease); });
  };
  hooks.occupancy_changed = [this] { occupancy_changed(); };
  hooks.pool_changed = [this](const std::string& pool) {
    if (desk_) desk_->changed(pool);
    if (watch_) watch_->changed(pool);
  };
  hooks.fatal = [this](const Error& error) {
    end_ = fail(error);
    reactor_->stop();
  };
  tasks_ = std::make_unique<TaskServer>(
      TaskServerParts{*reactor_, *pool_, *removals_, *store_, *stager_, *host_, *peers_, *metrics_,
                      *pool_metrics_, logs_},
      TaskServer::Options{node_.name,
                          node_.epoch,
                          node_.version,
                          {options_.slots, node_.architecture},
                          options_.report_stuck,
                          {}},
      std::move(hooks), std::move(listener));
  desk_ = std::make_unique<PoolDesk>(PoolDesk::Parts{*reactor_, *removals_, logs_.pools},
                                     options_.store / "pools.bin", *tasks_,
                                     [this](const wire::PoolReport& report) {
                                       for (const auto& link : coordinators_)
                                         link->report_pools(report);
                                     });
  watch_ =
      std::make_unique<PoolWatch>(PoolWatch::Parts{*reactor_, *pool_, *pool_metrics_}, *tasks_);
}

Status Worker::connect_coordinators() {
  for (const auto& endpoint : options_.coordinators) {
    auto link = CoordinatorLink::connect(
        *reactor_, *context_, logs_.coordinator, endpoint.text(), node_,
        [this] { return occupancy(); },
        options_.key ? options_.key->coordinators : std::vector<PublicKey>());
    if (!link) return fail(link.error().within("--coordinator " + endpoint.text()));
    (*link)->on_admissions([this, from = endpoint.text()](const wire::Admissions& admissions) {
      admitted(from, admissions);
    });
    (*link)->on_node_order([this](const wire::NodeOrder& order) { ordered(order); });
    (*link)->on_log_change([this, from = endpoint.text()](const wire::LogChange& change) {
      return log_desk_->serve(change, "coordinator " + from);
    });
    (*link)->serve_pools({[this, from = endpoint.text()](const wire::PoolOrders& orders) {
                            desk_->ordered(from, orders);
                          },
                          [this] { return desk_->complete(); },
                          [this, from = endpoint.text()](const auto& pool, std::uint64_t epoch) {
                            return desk_->order_number(from, epoch, pool);
                          }});
    coordinators_.push_back(std::move(*link));
    KILN_TRY(connect_trunk(endpoint));
  }
  return {};
}

// For the agents that reach this worker only through its coordinators.
Status Worker::connect_trunk(const net::Endpoint& endpoint) {
  net::SocketOptions options;
  if (options_.key) options.peer_keys = options_.key->coordinators;
  auto trunk = net::RelayTrunk::connect(*reactor_, *context_, logs_.relay, endpoint.text(), options,
                                        wire::RelayHello{node_.name, node_.epoch});
  if (!trunk) return fail(trunk.error().within("--coordinator " + endpoint.text()));
  net::RelayMux& mux = (*trunk)->mux();
  mux.on_open([this, &mux](net::StreamId stream, const wire::RelayOpen& open) {
    const bool is_task = open.channel == wire::RelayChannel::task;
    return (is_task ? relayed_->tasks : relayed_->blobs).accept(mux, stream, open);
  });
  trunks_.push_back(std::move(*trunk));
  return {};
}

Status Worker::run() {
  logs_.main.info("serving", {{"name", node_.name},
                              {"tasks", node_.task_address},
                              {"blobs", node_.bulk_address},
                              {"slots", node_.slots},
                              {"store", options_.store.string()},
                              {"http", http_->address()}});
  if (options_.insecure) {
    logs_.main.warning("insecure",
                       {{"risk", "whoever reaches this address can run commands on this machine"}});
  }
  tasks_->start();
  publish_gauges();
  measure_speed();
  reactor_->run();
  for (const auto& link : coordinators_) link->goodbye("stopped");
  return end_;
}

// One that is about to stop stays so.
void Worker::ordered(const wire::NodeOrder& order) {
  if (stopping_) return;
  logs_.main.info(order.drain ? "draining" : "resumed");
  tasks_->set_draining(order.drain);
}

// The first signal lets running tasks end, and asks them to near the end of the grace time; that
// end, or a second signal, does not wait.
void Worker::signalled(int number) {
  if (number == SIGHUP) return net::reopen_log(logs_.main);
  if (std::exchange(stopping_, true)) return reactor_->stop();
  logs_.main.info("stopping", {{"grace_seconds", in_seconds(options_.grace)}});
  reactor_->call_after(options_.grace - own_time(options_.grace), [this] { tasks_->terminate(); });
  reactor_->call_after(options_.grace, [this] { reactor_->stop(); });
  tasks_->drain([this] { reactor_->stop(); });
}

}  // namespace kiln::worker
