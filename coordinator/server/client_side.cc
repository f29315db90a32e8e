// Messages of agents.
#include <algorithm>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "common/model/log_id.h"
#include "common/wire/codec.h"
#include "coordinator/server/farm_view.h"
#include "coordinator/server/limits.h"
#include "coordinator/server/server.h"

namespace kiln::coordinator {
namespace {

constexpr std::size_t kMaxFarmQueries = 1'024;  // that wait for their answer
constexpr std::size_t kAnsweredAtOnce = 16;     // as each has a copy of its own in memory

template <typename Kind>
constexpr bool kFromClients =
    std::is_same_v<Kind, wire::ClientHello> || std::is_same_v<Kind, wire::Acquire> ||
    std::is_same_v<Kind, wire::AcquireCancel> || std::is_same_v<Kind, wire::Release> ||
    std::is_same_v<Kind, wire::FarmQuery> || std::is_same_v<Kind, wire::PoolChange> ||
    std::is_same_v<Kind, wire::PoolQuery> || std::is_same_v<Kind, wire::Ping> ||
    std::is_same_v<Kind, wire::RelayOpen> || std::is_same_v<Kind, wire::RelayClose> ||
    std::is_same_v<Kind, wire::NodeChange> || std::is_same_v<Kind, wire::LogChange>;

}  // namespace

void Server::client_message(const net::PeerId& peer, wire::Frames frames) {
  if (const auto frame = relay_frame(frames))
    return relay_->carry(RelaySide::client, peer, *frame, std::move(frames));
  auto envelope = wire::decode(std::move(frames));
  if (!envelope) {
    const bool version = envelope.error().code == Errc::version_mismatch;
    return reject(*clients_, peer, version ? "version" : "malformed", 0, envelope.error());
  }
  metrics_.received(wire::kind_name(envelope->message));
  std::visit(
      [&](auto& message) {
        using Kind = std::decay_t<decltype(message)>;
        if constexpr (kFromClients<Kind>) {
          from_client(peer, message);
        } else if constexpr (!std::is_same_v<Kind, wire::Pong> &&
                             !std::is_same_v<Kind, wire::Refused>) {
          reject(*clients_, peer, "unexpected", 0,
                 Error{Errc::invalid_argument,
                       "an agent does not send " + std::string(wire::kind_name(message)) +
                           " to the client port of a coordinator; is it the right port?"});
        }
      },
      envelope->message);
}

void Server::client_gone(const net::PeerId& peer) {
  relay_->gone(RelaySide::client, peer);
  const auto session = client_sessions_.take(peer);
  if (!session) return;
  logs_.clients.info("client_gone",
                     {{"client", LogId{session->epoch, 0}}, {"host", session->host}});
  feed(ClientGone{session->id});
}

void Server::from_client(const net::PeerId& peer, wire::ClientHello& hello) {
  if (const auto fine = check_limits(hello); !fine) {
    return reject(*clients_, peer, "too_long", 0, fine.error());
  }
  const auto* session = client_sessions_.find(peer);
  if (session != nullptr && session->epoch != hello.client_epoch) {
    client_gone(peer);
    session = nullptr;
  }
  if (session == nullptr) {
    session = &client_sessions_.add(peer, hello.client_epoch, hello.host, hello.user);
    logs_.clients.info("client_joined", {{"client", LogId{session->epoch, 0}},
                                         {"host", hello.host},
                                         {"user", hello.user},
                                         {"version", hello.version}});
  }
  feed(ClientJoined{session->id});
  if (client_sessions_.find(peer) == nullptr) return;  // too many: refused
  const auto heartbeat =
      std::chrono::duration_cast<milliseconds>(options_.scheduling.heartbeat).count();
  send(*clients_, peer,
       wire::ClientWelcome{options_.scheduling.epoch, version(),
                           static_cast<std::uint32_t>(heartbeat),
                           options_.scheduling.missed_heartbeats});
}

const ClientSession* Server::known(const net::PeerId& peer, std::uint64_t request) {
  const auto* session = client_sessions_.find(peer);
  if (session == nullptr) {
    reject(*clients_, peer, "no_hello", request,
           Error{Errc::not_found, "the client is not known here; say hello first"});
  }
  return session;
}

void Server::from_client(const net::PeerId& peer, wire::Acquire& acquire) {
  const auto* session = known(peer, acquire.request);
  if (session == nullptr) return;
  if (const auto fine = check_limits(acquire); !fine) {
    return reject(*clients_, peer, "too_long", acquire.request, fine.error());
  }
  logs_.scheduling.debug("leases_wanted", {{"client", LogId{session->epoch, 0}},
                                           {"request", acquire.request},
                                           {"build", acquire.build},
                                           {"pool", acquire.pool},
                                           {"count", acquire.count},
                                           {"excluded", acquire.excluded.size()}});
  LeasesWanted wanted;
  wanted.key = {session->id, acquire.request};
  wanted.pool = std::move(acquire.pool);
  wanted.toolchain = acquire.toolchain;
  wanted.architecture = std::move(acquire.architecture);
  wanted.affinity = std::move(acquire.key);
  wanted.priority = acquire.priority;
  wanted.build = std::move(acquire.build);
  wanted.count = acquire.count;
  wanted.excluded = std::move(acquire.excluded);
  feed(std::move(wanted));
}

void Server::from_client(const net::PeerId& peer, wire::AcquireCancel& cancel) {
  const auto* session = known(peer, cancel.request);
  if (session == nullptr) return;
  logs_.scheduling.debug("request_withdrawn",
                         {{"client", LogId{session->epoch, 0}}, {"request", cancel.request}});
  feed(LeasesUnwanted{{session->id, cancel.request}});
}

void Server::from_client(const net::PeerId& peer, wire::Release& release) {
  const auto* session = known(peer, 0);
  if (session == nullptr) return;
  for (const auto& lease : release.leases) {
    logs_.scheduling.debug("lease_released",
                           {{"client", LogId{session->epoch, 0}}, {"lease", kiln::log_id(lease)}});
  }
  feed(LeasesReleased{session->id, std::move(release.leases)});
}

// Answered without a hello too, so that `kiln status` works whatever state its agent is in.
void Server::from_client(const net::PeerId& peer, wire::FarmQuery& query) {
  const auto* session = client_sessions_.find(peer);
  if (session != nullptr) feed(ClientHeard{session->id});
  if (farm_queries_.size() >= kMaxFarmQueries) {
    return refuse(*clients_, peer, query.request,
                  Error{Errc::resource_exhausted,
                        "too many queries wait for their answer already; try again later"});
  }
  farm_queries_.emplace_back(peer, query.request);
  if (!answering_) answer_farm_queries();
}

// All that wait are answered with the same state of the farm.
void Server::answer_farm_queries() {
  answering_ = true;
  using Answer = std::tuple<net::PeerId, std::uint64_t, wire::Frames>;
  const auto answers = std::make_shared<std::vector<Answer>>();
  const auto count = std::min(farm_queries_.size(), kAnsweredAtOnce);
  const auto end = farm_queries_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<std::pair<net::PeerId, std::uint64_t>> queries(farm_queries_.begin(), end);
  farm_queries_.erase(farm_queries_.begin(), end);
  const auto encode_all = [answers, farm = snapshot(), queries = std::move(queries)] {
    wire::FarmStatus status;
    status.coordinator_version = version();
    status.nodes = node_statuses(farm->nodes, farm->taken);
    status.waiting_requests = farm->waiting_requests;
    status.clients = farm->clients;
    wire::Message message(std::move(status));
    for (const auto& [peer, request] : queries) {
      std::get<wire::FarmStatus>(message).request = request;
      answers->emplace_back(peer, request, wire::encode(message));
    }
  };
  reactor_.offload(encoder_, encode_all, [this, alive = std::weak_ptr<bool>(alive_), answers] {
    if (alive.expired()) return;
    for (auto& [peer, request, frames] : *answers) {
      const auto kind = wire::kind_name(wire::FarmStatus{});
      const auto sent = send(*clients_, peer, kind, std::move(frames));
      if (!sent) refuse(*clients_, peer, request, sent.error());
    }
    answering_ = false;
    if (!farm_queries_.empty()) answer_farm_queries();
  });
}

void Server::from_client(const net::PeerId& peer, wire::Ping& ping) {
  const auto* session = client_sessions_.find(peer);
  if (session != nullptr) feed(ClientHeard{session->id});
  send(*clients_, peer, wire::Pong{ping.number});
}

}  // namespace kiln::coordinator
