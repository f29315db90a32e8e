// Messages about pools, and their place on the disk.
#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "common/wire/codec.h"
#include "coordinator/server/limits.h"
#include "coordinator/server/pool_json.h"
#include "coordinator/server/pools_file.h"
#include "coordinator/server/server.h"

namespace kiln::coordinator {
namespace {

constexpr std::size_t kMaxAnswers = 64;     // that are being encoded: each has a copy of its own
constexpr std::size_t kMaxListed = 50'000;  // pools on nodes, of one answer
// Beyond so many pools on nodes they are looked at each ten seconds only.
constexpr std::size_t kManyListed = 10'000;
constexpr Duration kViewRarely = seconds(10);

Result<PoolAction> action_of(const std::string& word) {
  static constexpr std::array<std::pair<const char*, PoolAction>, 6> kActions = {
      {{"create", PoolAction::create},
       {"warm", PoolAction::warm},
       {"quiesce", PoolAction::quiesce},
       {"wake", PoolAction::wake},
       {"resize", PoolAction::resize},
       {"delete", PoolAction::remove}}};
  for (const auto& [name, action] : kActions) {
    if (word == name) return action;
  }
  return fail(Errc::invalid_argument, "\"" + word +
                                          "\" is nothing that can be done with a pool; there are "
                                          "create, warm, quiesce, wake, resize and delete");
}

std::size_t nodes_in(const std::vector<PoolView>& views) {
  return std::accumulate(
      views.begin(), views.end(), std::size_t{0},
      [](std::size_t sum, const PoolView& view) { return sum + view.nodes.size(); });
}

}  // namespace

// Blocking, before anything is served.
Status Server::load_pools() {
  const auto stored = PoolStore::load(state_dir_.pools_file());
  if (!stored) logs_.pools.error("pools_unreadable", {{"error", stored.error()}});
  core_.load(moment(), stored.value_or(std::vector<PoolDefinition>{}));
  if (options_.pools_file.empty()) return {};
  auto specs = read_pools_file(options_.pools_file);
  if (!specs) return fail(specs.error().within("--pools"));
  for (const auto& spec : *specs) {
    auto made = core_.put(moment(), spec);
    if (!made) {
      return fail(
          made.error().within("--pools: " + options_.pools_file + ": pool \"" + spec.name + "\""));
    }
    carry_out(*made);
  }
  return {};
}

void Server::store_pools() {
  pool_store_.store(core_.keeper().catalog().all());
}

// A worker that is gone is told when it is back; one that does not read is told again soon.
void Server::send_orders(const WorkerOrders& orders) {
  const auto* peer = worker_sessions_.peer_of(orders.worker);
  if (peer == nullptr) return;
  const wire::PoolOrders message{options_.scheduling.epoch, orders.complete, orders.orders};
  const auto sent = send(*workers_, *peer, wire::kind_name(message), wire::encode(message));
  if (!sent) core_.unsent(moment(), orders.worker);
}

void Server::from_worker(const net::PeerId& peer, wire::PoolReport& report) {
  if (const auto fine = check_limits(report); !fine) {
    return reject(*workers_, peer, "too_long", 0, fine.error());
  }
  const auto* session = worker_sessions_.find(peer);
  if (session == nullptr || session->name != report.worker ||
      session->epoch != report.worker_epoch) {
    return reject(*workers_, peer, "no_hello", 0, unknown_worker(report.worker));
  }
  current_worker_ = peer;
  carry_out(core_.reported(
      moment(), {report.worker, report.worker_epoch, report.complete, std::move(report.pools),
                 std::move(report.definitions), report.coordinator_epoch}));
  set_timer();
}

void Server::from_client(const net::PeerId& peer, wire::PoolChange& change) {
  const auto* session = known(peer, change.request);
  if (session == nullptr) return;
  if (const auto fine = check_limits(change); !fine) {
    return reject(*clients_, peer, "too_long", change.request, fine.error());
  }
  feed(ClientHeard{session->id});
  const auto action = action_of(change.action);
  if (!action) return refuse(*clients_, peer, change.request, action.error());
  if (const auto may = check_admin(peer, change.action, "a pool"); !may) {
    return refuse(*clients_, peer, change.request, may.error());
  }
  const auto name = change.spec.name;
  auto changed =
      core_.change(moment(), {*action, std::move(change.spec), change.count, change.all});
  if (!changed) return refuse(*clients_, peer, change.request, changed.error());
  logs_.pools.info("pool_changed", {{"pool", name},
                                    {"action", change.action},
                                    {"host", session->host},
                                    {"user", session->user}});
  pending_changes_[changed->answer] = {peer, change.request, changed->existed, name};
  carry_out(changed->outputs);
  set_timer();
}

void Server::answer_change(AnswerId answer) {
  const auto pending = pending_changes_.extract(answer);
  if (pending.empty()) return;
  const auto& change = pending.mapped();
  answer_pools(change.peer, change.request, change.existed, change.pool);
}

// Answered without a hello too, like FarmQuery.
void Server::from_client(const net::PeerId& peer, wire::PoolQuery& query) {
  if (const auto fine = check_limits(query); !fine) {
    return reject(*clients_, peer, "too_long", query.request, fine.error());
  }
  const auto* session = client_sessions_.find(peer);
  if (session != nullptr) feed(ClientHeard{session->id});
  const bool there = query.name.empty() || query.name == kDefaultPool ||
                     core_.keeper().catalog().find(query.name) != nullptr;
  if (!there) {
    return refuse(
        *clients_, peer, query.request,
        Error{Errc::not_found, "there is no pool \"" + query.name + "\"; kiln pools lists them"});
  }
  answer_pools(peer, query.request, false, query.name);
}

void Server::answer_pools(const net::PeerId& peer, std::uint64_t request, bool existed,
                          const std::string& name) {
  if (pool_answers_ >= kMaxAnswers) {
    return refuse(*clients_, peer, request,
                  Error{Errc::resource_exhausted,
                        "too many questions about pools wait for their answer; ask again"});
  }
  auto views = core_.pools(name);
  if (nodes_in(views) > kMaxListed) {
    return refuse(*clients_, peer, request,
                  Error{Errc::invalid_argument,
                        "there are too many pools and nodes for one answer; ask for one by name"});
  }
  ++pool_answers_;
  const auto frames = std::make_shared<wire::Frames>();
  const auto encode = [frames, request, existed, views = std::move(views)] {
    *frames = wire::encode(wire::PoolAnswer{request, existed, pool_statuses(views)});
  };
  reactor_.offload(encoder_, encode,
                   [this, alive = std::weak_ptr<bool>(alive_), peer, request, frames] {
                     if (alive.expired()) return;
                     --pool_answers_;
                     const auto kind = wire::kind_name(wire::PoolAnswer{});
                     const auto sent = send(*clients_, peer, kind, std::move(*frames));
                     if (!sent) refuse(*clients_, peer, request, sent.error());
                   });
}

void Server::refresh_pools() {
  const auto now = reactor_.now();
  if (nodes_in(pool_views_) > kManyListed && now < pools_viewed_ + kViewRarely) return;
  pools_viewed_ = now;
  pool_views_ = core_.pools("");
  pool_metrics_.observe(pool_views_);
}

}  // namespace kiln::coordinator
