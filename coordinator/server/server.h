// The doing part of the coordinator: carries messages between sockets and the core. It decides
// nothing: what to answer comes from the core, and what is malformed, too long or out of place
// is counted and dropped.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/base/thread_pool.h"
#include "common/metrics/http_server.h"
#include "common/metrics/process_metrics.h"
#include "common/metrics/registry.h"
#include "common/net/context.h"
#include "common/net/log_desk.h"
#include "common/net/reactor.h"
#include "common/net/router.h"
#include "common/wire/messages.h"
#include "coordinator/dashboard/dashboard.h"
#include "coordinator/pools/core.h"
#include "coordinator/server/farm_view.h"
#include "coordinator/server/gate.h"
#include "coordinator/server/log_parts.h"
#include "coordinator/server/log_questions.h"
#include "coordinator/server/metrics.h"
#include "coordinator/server/options.h"
#include "coordinator/server/pool_metrics.h"
#include "coordinator/server/pool_store.h"
#include "coordinator/server/relay.h"
#include "coordinator/server/sessions.h"
#include "coordinator/server/state_dir.h"

namespace kiln::coordinator {

class Server {
 public:
  // Binds everything and announces it in the state directory. `reactor` and `context` must outlive
  // the server, which is made, used and destroyed on the reactor's thread (or while it rests).
  static Result<std::unique_ptr<Server>> create(net::Reactor& reactor, net::Context& context,
                                                const Logger& log, const ServerOptions& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // With the ports that were bound.
  BoundEndpoints endpoints() const;

 private:
  // What the HTTP threads may read.
  struct Shared {
    std::mutex mutex;
    std::shared_ptr<const FarmSnapshot> farm = std::make_shared<const FarmSnapshot>();
    TimePoint refreshed{};
  };
  // A change of a pool whose answer is held.
  struct PendingChange {
    net::PeerId peer;
    std::uint64_t request = 0;
    bool existed = false;
    std::string pool;
  };

  Server(net::Reactor& reactor, const Logger& log, ServerOptions options, std::string secret,
         StateDir state_dir);

  Status bind(net::Context& context);
  Status start_http();
  void feed(const Event& event);
  void carry_out(const CoreOutputs& outputs);
  Moment moment() const;
  const Scheduler& scheduler() const { return core_.scheduler(); }
  std::shared_ptr<const FarmSnapshot> snapshot() const;
  void set_timer();
  void refresh();
  void keep_refreshing();

  // live_side.cc
  void note_tasks(const std::string& worker, std::uint64_t epoch, const Occupancy& occupancy);
  void note_loss(const WorkerLost& loss);
  void look_at_farm();
  void add_pages(metrics::HttpHandlers& handlers);

  void out(const LeasesGranted& output);
  void out(const RequestKept& output);
  void out(const LeasesRefused& output);
  void out(const WorkerLost& output);
  void out(const WorkerForgotten&) {}
  void out(const WorkerUnknown& output);
  void out(const WorkerRejected& output);
  void out(const ClientRejected& output);
  void out(const ClientLost& output);

  // worker_side.cc
  void worker_message(const net::PeerId& peer, wire::Frames frames);
  void worker_gone(const net::PeerId& peer);
  void from_worker(const net::PeerId& peer, wire::WorkerHello& hello);
  void from_worker(const net::PeerId& peer, wire::OccupancyReport& report);
  void from_worker(const net::PeerId& peer, wire::WorkerGoodbye& goodbye);
  void from_worker(const net::PeerId& peer, wire::PoolReport& report);
  void from_worker(const net::PeerId& peer, wire::Ping& ping);

  wire::WorkerWelcome welcome() const;
  // As the agent itself and workers call it in their logs.
  LogId log_id(ClientId client) const;
  static Error unknown_worker(const std::string& worker);

  // client_side.cc
  void client_message(const net::PeerId& peer, wire::Frames frames);
  void client_gone(const net::PeerId& peer);
  void from_client(const net::PeerId& peer, wire::ClientHello& hello);
  void from_client(const net::PeerId& peer, wire::Acquire& acquire);
  void from_client(const net::PeerId& peer, wire::AcquireCancel& cancel);
  void from_client(const net::PeerId& peer, wire::Release& release);
  void from_client(const net::PeerId& peer, wire::FarmQuery& query);
  void from_client(const net::PeerId& peer, wire::PoolChange& change);
  void from_client(const net::PeerId& peer, wire::PoolQuery& query);
  void answer_farm_queries();
  void from_client(const net::PeerId& peer, wire::Ping& ping);
  // The session, or nullptr after a refusal was sent.
  const ClientSession* known(const net::PeerId& peer, std::uint64_t request);

  // node_side.cc
  void from_client(const net::PeerId& peer, wire::NodeChange& change);

  // log_side.cc
  void from_client(const net::PeerId& peer, wire::LogChange& change);
  void from_worker(const net::PeerId& peer, wire::LogState& state);
  void from_worker(const net::PeerId& peer, wire::Refused& refusal);
  void ask_for_log(const net::PeerId& peer, const wire::LogChange& change);
  void answer_log(const net::PeerId& worker, std::uint64_t number, Result<wire::LogState> state);

  // relay_side.cc
  void from_client(const net::PeerId& peer, wire::RelayOpen& open);
  void from_client(const net::PeerId& peer, wire::RelayClose& close);
  void from_worker(const net::PeerId& peer, wire::RelayHello& hello);
  void from_worker(const net::PeerId& peer, wire::RelayOpen& open);
  void from_worker(const net::PeerId& peer, wire::RelayClose& close);

  // pool_side.cc
  Status load_pools();
  void send_orders(const WorkerOrders& orders);
  void store_pools();
  void answer_change(AnswerId answer);
  void answer_pools(const net::PeerId& peer, std::uint64_t request, bool existed,
                    const std::string& name);
  void refresh_pools();

  // admission_side.cc
  Status open_gate(net::Context& context);
  void admissions_changed();
  void send_admissions(const net::PeerId& worker);
  // Whether the connection's key is the one that its addresses name.
  Status check_keys(const net::PeerId& peer, const NodeInfo& node) const;
  // Whether the connection may do so to `what`: "a pool".
  Status check_admin(const net::PeerId& peer, std::string_view action, std::string_view what) const;

  // Both sides.
  Status send(net::Router& router, const net::PeerId& peer, std::string_view kind,
              wire::Frames frames);
  // For answers that nobody misses if they cannot be sent.
  void send(net::Router& router, const net::PeerId& peer, const wire::Message& message);
  void refuse(net::Router& router, const net::PeerId& peer, std::uint64_t request,
              const Error& error);
  // Counts, logs at most once a second, and tells the peer.
  void reject(net::Router& router, const net::PeerId& peer, std::string_view reason,
              std::uint64_t request, const Error& error);

  net::Reactor& reactor_;
  PartLogs logs_;
  net::LogDesk log_desk_;
  ServerOptions options_;
  std::string secret_;
  StateDir state_dir_;
  PoolStore pool_store_;
  metrics::Registry registry_;
  Metrics metrics_;
  PoolMetrics pool_metrics_;
  metrics::ProcessMetrics process_metrics_;
  Core core_;
  WorkerSessions worker_sessions_;
  ClientSessions client_sessions_;
  net::PeerId current_worker_;  // whose message is being served
  // Grants that could not be sent: their leases go back.
  std::deque<std::pair<RequestKey, std::vector<LeaseId>>> undelivered_;
  // Queries of the farm wait here while the answers to those before them are encoded, which takes
  // long for a large farm and is therefore not done by the reactor.
  std::vector<std::pair<net::PeerId, std::uint64_t>> farm_queries_;
  bool answering_ = false;
  std::map<AnswerId, PendingChange> pending_changes_;
  LogQuestions log_questions_;
  std::size_t pool_answers_ = 0;      // that are being encoded
  std::vector<PoolView> pool_views_;  // as of the last look at them
  TimePoint pools_viewed_{};
  ThreadPool encoder_{1};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  TimePoint logged_rejection_{};
  net::TimerId timer_ = 0;
  TimePoint timer_at_{};
  net::TimerId refresh_timer_ = 0;
  std::unique_ptr<Gate> gate_;  // nullptr: no keys
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::shared_ptr<Dashboard> dashboard_;
  JobWatch job_watch_;
  Look look_;  // what happened since the last look at the farm
  bool looking_ = false;
  std::unique_ptr<net::Router> clients_;
  std::unique_ptr<net::Router> workers_;
  std::unique_ptr<Relay> relay_;
  std::unique_ptr<metrics::HttpServer> http_;  // last: its threads stop first
};

}  // namespace kiln::coordinator
