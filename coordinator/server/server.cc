#include "coordinator/server/server.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <utility>

#include "common/auth/lease_token.h"
#include "common/model/log_id.h"
#include "common/wire/codec.h"
#include "coordinator/server/page_side.h"

namespace kiln::coordinator {
namespace {

constexpr Duration kRefresh = seconds(1);
// A reactor that does not turn for so long is not healthy.
constexpr Duration kStuck = seconds(10);

// Peers have no reason to send much; the answer to a query of a large farm may be long.
net::SocketOptions socket_options(std::size_t max_frame_bytes, Door door) {
  net::SocketOptions options;
  options.max_frame_bytes = max_frame_bytes;
  options.queue_messages = 1024;
  options.queue_bytes = std::size_t{16} << 20;
  options.domain = door_name(door);
  return options;
}

// Never 0, so that no lease is named like a default-made one.
Result<std::uint64_t> random_number() {
  KILN_TRY_ASSIGN(const auto bytes, auth::make_lease_secret());
  std::uint64_t number = 0;
  std::memcpy(&number, bytes.data(), sizeof number);
  return std::max<std::uint64_t>(number, 1);
}

}  // namespace

Server::Server(net::Reactor& reactor, const Logger& log, ServerOptions options, std::string secret,
               StateDir state_dir)
    : reactor_(reactor),
      logs_(log),
      log_desk_(reactor, log),
      options_(std::move(options)),
      secret_(std::move(secret)),
      state_dir_(std::move(state_dir)),
      pool_store_(reactor, state_dir_.pools_file(),
                  [this](const Error& error) {
                    metrics_.pools_not_stored();
                    logs_.pools.error("pools_not_stored", {{"error", error}});
                  }),
      metrics_(registry_),
      pool_metrics_(registry_),
      process_metrics_(registry_),
      core_(options_.scheduling),
      dashboard_(std::make_shared<Dashboard>(options_.scheduling.epoch, version(), reactor.now())) {
  registry_.set_build_info("coordinator", version());
}

Server::~Server() {
  reactor_.cancel(timer_);
  reactor_.cancel(refresh_timer_);
  state_dir_.withdraw();
}

Result<std::unique_ptr<Server>> Server::create(net::Reactor& reactor, net::Context& context,
                                               const Logger& log, const ServerOptions& options) {
  ServerOptions chosen = options;
  if (chosen.scheduling.epoch == 0) {
    KILN_TRY_ASSIGN(chosen.scheduling.epoch, random_number());
  }
  if (chosen.scheduling.seed == 0) {
    KILN_TRY_ASSIGN(chosen.scheduling.seed, random_number());
  }
  KILN_TRY_ASSIGN(auto secret, auth::make_lease_secret());
  KILN_TRY_ASSIGN(auto state_dir, StateDir::open(chosen.state_dir));
  std::unique_ptr<Server> server(
      new Server(reactor, log, std::move(chosen), std::move(secret), std::move(state_dir)));
  KILN_TRY(server->load_pools());
  KILN_TRY(server->open_gate(context));
  KILN_TRY(server->bind(context));
  server->refresh();
  server->look_at_farm();
  server->keep_refreshing();
  KILN_TRY(server->start_http());
  KILN_TRY(server->state_dir_.announce(server->endpoints()));
  return server;
}

Status Server::bind(net::Context& context) {
  auto clients = net::Router::bind(reactor_, context, options_.client_endpoint,
                                   socket_options(std::size_t{1} << 20, Door::client));
  if (!clients) return fail(clients.error().within("--client-endpoint"));
  auto workers = net::Router::bind(reactor_, context, options_.worker_endpoint,
                                   socket_options(std::size_t{16} << 20, Door::worker));
  if (!workers) return fail(workers.error().within("--worker-endpoint"));
  clients_ = std::move(*clients);
  workers_ = std::move(*workers);
  relay_ = std::make_unique<Relay>(*clients_, *workers_, registry_, logs_.relay);
  if (gate_) {
    clients_->set_guard([this](const PublicKey& key) { return gate_->admits(Door::client, key); });
    workers_->set_guard([this](const PublicKey& key) { return gate_->admits(Door::worker, key); });
  }
  clients_->on_message([this](const net::PeerId& peer, wire::Frames frames) {
    client_message(peer, std::move(frames));
  });
  clients_->on_disconnect([this](const net::PeerId& peer) { client_gone(peer); });
  workers_->on_message([this](const net::PeerId& peer, wire::Frames frames) {
    worker_message(peer, std::move(frames));
  });
  workers_->on_disconnect([this](const net::PeerId& peer) { worker_gone(peer); });
  return {};
}

Status Server::start_http() {
  metrics::HttpHandlers handlers;
  const auto turned = [shared = shared_, &reactor = reactor_] {
    const std::lock_guard lock(shared->mutex);
    return reactor.now() - shared->refreshed;
  };
  // These threads answer when the reactor does not, whose gauges stand still then.
  auto turn_age = registry_.gauge("kiln_coordinator_turn_age_seconds",
                                  "Since the main loop last turned, as it does each second");
  handlers.metrics = [this, turned, turn_age]() mutable {
    turn_age.set(in_seconds(turned()));
    return process_metrics_.text();
  };
  const auto turning = [turned]() -> Status {
    const auto age = turned();
    if (age < kStuck) return {};
    return fail(Errc::internal, "the main loop has not turned for " +
                                    std::to_string(static_cast<int>(in_seconds(age))) + " s");
  };
  // Both sockets are bound before this page exists.
  handlers.health = turning;
  handlers.ready = turning;
  add_pages(handlers);
  add_live_page(handlers);
  auto http = metrics::HttpServer::start(options_.http_address, std::move(handlers));
  if (!http) return fail(http.error().within("--http"));
  http_ = std::make_unique<metrics::HttpServer>(std::move(*http));
  return {};
}

BoundEndpoints Server::endpoints() const {
  return {clients_->endpoint(), workers_->endpoint(), http_ ? http_->address() : ""};
}

void Server::feed(const Event& event) {
  carry_out(core_.step(moment(), event));
  set_timer();
}

// People's time is that of the coordinator's zone.
Moment Server::moment() const {
  const auto wall = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&wall, &local);
  Moment moment{reactor_.now(), static_cast<std::uint64_t>(wall), {}};
  moment.week.weekday = static_cast<std::uint8_t>((local.tm_wday + 6) % 7);
  moment.week.minute = static_cast<std::uint32_t>(local.tm_hour * 60 + local.tm_min);
  return moment;
}

void Server::carry_out(const CoreOutputs& outputs) {
  const auto each = [this](const CoreOutputs& all) {
    for (const auto& output : all.scheduler) {
      std::visit([this](const auto& kind) { out(kind); }, output);
    }
    for (const auto& orders : all.orders) send_orders(orders);
    if (all.definitions_changed) store_pools();
    for (const auto answer : all.answers) answer_change(answer);
  };
  each(outputs);
  // A request whose grant cannot be sent would only get the next ones in vain.
  while (!undelivered_.empty()) {
    const auto [key, leases] = std::move(undelivered_.front());
    undelivered_.pop_front();
    each(core_.step(moment(), LeasesUnwanted{key}));
    each(core_.step(moment(), LeasesReleased{key.client, leases}));
  }
}

// One timer for the core's next deadline; it is moved only to an earlier time, as a Tick that
// comes too early does no harm.
void Server::set_timer() {
  const auto next = core_.next_deadline();
  if (!next) return;
  if (timer_ != 0 && timer_at_ <= *next) return;
  if (timer_ != 0) reactor_.cancel(timer_);
  timer_at_ = *next;
  timer_ = reactor_.call_at(*next, [this] {
    timer_ = 0;
    feed(Tick{});
  });
}

std::shared_ptr<const FarmSnapshot> Server::snapshot() const {
  return std::make_shared<const FarmSnapshot>(FarmSnapshot{
      scheduler().nodes(), pool_views_, reactor_.now(),
      static_cast<std::uint32_t>(scheduler().waiting_requests()),
      static_cast<std::uint32_t>(scheduler().clients()), scheduler().waiting_by_build()});
}

// The gauges are set and the snapshot is taken each second, not at each change; whoever wants it as
// JSON makes that of it.
void Server::refresh() {
  metrics_.observe(scheduler());
  refresh_pools();
  auto farm = snapshot();
  const std::lock_guard lock(shared_->mutex);
  shared_->farm.swap(farm);
  shared_->refreshed = reactor_.now();
}

void Server::keep_refreshing() {
  refresh_timer_ = reactor_.call_after(kRefresh, [this] {
    refresh();
    look_at_farm();
    keep_refreshing();
  });
}

void Server::out(const LeasesGranted& output) {
  const auto* peer = client_sessions_.peer_of(output.key.client);
  if (peer == nullptr) return;
  wire::Grant grant;
  grant.request = output.key.request;
  for (const auto& slot : output.slots) {
    wire::GrantedLease granted{slot.lease, slot.task_address, slot.bulk_address,
                               slot.toolchain_sources};
    granted.lease.token = auth::sign_lease(granted.lease, secret_);
    logs_.scheduling.debug("lease_granted", {{"client", log_id(output.key.client)},
                                             {"request", output.key.request},
                                             {"lease", kiln::log_id(slot.lease.id)},
                                             {"node", slot.lease.worker},
                                             {"pool", slot.lease.pool},
                                             {"tasks", slot.lease.tasks},
                                             {"staging", slot.lease.staging}});
    grant.leases.push_back(std::move(granted));
  }
  const auto kind = wire::kind_name(grant);
  const auto sent = send(*clients_, *peer, kind, wire::encode(grant));
  if (sent) return metrics_.granted(output);
  std::vector<LeaseId> leases;
  for (const auto& slot : output.slots) leases.push_back(slot.lease.id);
  undelivered_.emplace_back(output.key, std::move(leases));
  refuse(*clients_, *peer, output.key.request, sent.error());
}

// One that is lost is made good by the next.
void Server::out(const RequestKept& output) {
  logs_.scheduling.debug("request_kept",
                         {{"client", log_id(output.key.client)}, {"request", output.key.request}});
  const auto* peer = client_sessions_.peer_of(output.key.client);
  if (peer != nullptr) send(*clients_, *peer, wire::Grant{output.key.request, {}});
}

void Server::out(const LeasesRefused& output) {
  metrics_.refused(output.error.code);
  logs_.scheduling.debug("request_refused", {{"client", log_id(output.key.client)},
                                             {"request", output.key.request},
                                             {"error", output.error}});
  const auto* peer = client_sessions_.peer_of(output.key.client);
  if (peer != nullptr) refuse(*clients_, *peer, output.key.request, output.error);
}

void Server::out(const WorkerLost& output) {
  metrics_.worker_lost(output.reason);
  note_loss(output);
  logs_.nodes.warning("worker_lost", {{"node", output.worker},
                                      {"epoch", LogId{output.epoch, 0}},
                                      {"reason", output.reason},
                                      {"leases", output.leases}});
}

void Server::out(const WorkerUnknown& output) {
  reject(*workers_, current_worker_, "no_hello", 0, unknown_worker(output.worker));
}

void Server::out(const WorkerRejected& output) {
  logs_.nodes.warning("worker_rejected", {{"node", output.worker}, {"error", output.error}});
  refuse(*workers_, current_worker_, 0, output.error);
}

void Server::out(const ClientRejected& output) {
  const auto* peer = client_sessions_.peer_of(output.client);
  if (peer == nullptr) return;
  const net::PeerId copy = *peer;
  refuse(*clients_, copy, 0, output.error);
  client_sessions_.take(copy);
}

void Server::out(const ClientLost& output) {
  logs_.clients.info("client_silent",
                     {{"client", log_id(output.client)}, {"leases", output.leases}});
}

LogId Server::log_id(ClientId client) const {
  const auto* peer = client_sessions_.peer_of(client);
  const auto* session = peer == nullptr ? nullptr : client_sessions_.find(*peer);
  return {session == nullptr ? 0 : session->epoch, 0};
}

Error Server::unknown_worker(const std::string& worker) {
  return Error{Errc::not_found, "the worker \"" + worker + "\" is not known here; say hello first"};
}

Status Server::send(net::Router& router, const net::PeerId& peer, std::string_view kind,
                    wire::Frames frames) {
  auto sent = router.send(peer, std::move(frames));
  if (sent) {
    metrics_.sent(kind);
  } else {
    metrics_.send_failed();
    logs_.main.debug("message_not_sent", {{"kind", kind}, {"error", sent.error()}});
  }
  return sent;
}

void Server::send(net::Router& router, const net::PeerId& peer, const wire::Message& message) {
  (void)send(router, peer, wire::kind_name(message), wire::encode(message));
}

void Server::refuse(net::Router& router, const net::PeerId& peer, std::uint64_t request,
                    const Error& error) {
  send(router, peer, wire::Refused{request, std::string(name(error.code)), error.message});
}

void Server::reject(net::Router& router, const net::PeerId& peer, std::string_view reason,
                    std::uint64_t request, const Error& error) {
  metrics_.rejected(reason);
  const auto now = reactor_.now();
  if (now - logged_rejection_ >= seconds(1)) {
    logged_rejection_ = now;
    logs_.main.warning("message_rejected", {{"reason", reason}, {"error", error}});
  }
  refuse(router, peer, request, error);
}

}  // namespace kiln::coordinator
