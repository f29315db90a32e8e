#include "worker/server/coordinator_link.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "common/auth/lease_token.h"
#include "common/wire/codec.h"

namespace kiln::worker {
namespace {

// Leases of older epochs have expired long before this many restarts.
constexpr std::size_t kSecretsKept = 4;
// Whatever a coordinator asks for: a heartbeat of 0 would keep the reactor busy with nothing else.
constexpr Duration kShortestHeartbeat = milliseconds(10);
// A coordinator that does not answer is spoken of after this, once.
constexpr Duration kPatience = seconds(3);

}  // namespace

Result<std::unique_ptr<CoordinatorLink>> CoordinatorLink::connect(net::Reactor& reactor,
                                                                  net::Context& context, Logger log,
                                                                  const std::string& endpoint,
                                                                  NodeInfo node, Describe describe,
                                                                  std::vector<PublicKey> keys) {
  net::SocketOptions options;
  options.peer_keys = std::move(keys);
  KILN_TRY_ASSIGN(auto dealer, net::Dealer::connect(reactor, context, endpoint, options));
  std::unique_ptr<CoordinatorLink> link(new CoordinatorLink(
      reactor, std::move(log), endpoint, std::move(node), std::move(describe), std::move(dealer)));
  link->has_key_ = context.identity() != nullptr;
  return link;
}

CoordinatorLink::CoordinatorLink(net::Reactor& reactor, Logger log, std::string endpoint,
                                 NodeInfo node, Describe describe,
                                 std::unique_ptr<net::Dealer> dealer)
    : reactor_(reactor),
      log_(std::move(log)),
      endpoint_(std::move(endpoint)),
      node_(std::move(node)),
      describe_(std::move(describe)),
      dealer_(std::move(dealer)) {
  dealer_->on_state([this](bool connected) { connection_changed(connected); });
  dealer_->on_message([this](wire::Frames frames) { receive(std::move(frames)); });
  if (dealer_->connected()) connection_changed(true);
  silence_ = reactor_.call_after(kPatience, [this] {
    silence_ = 0;
    if (!welcomed_ && refusal_.empty())
      log_.warning("coordinator_not_answering", {{"endpoint", endpoint_}});
  });
}

CoordinatorLink::~CoordinatorLink() {
  if (timer_ != 0) reactor_.cancel(timer_);
  if (silence_ != 0) reactor_.cancel(silence_);
}

void CoordinatorLink::forget_welcome() {
  if (std::exchange(welcomed_, false)) ++losses_;
}

void CoordinatorLink::connection_changed(bool connected) {
  forget_welcome();
  other_version_ = false;
  if (connected) {
    send(wire::WorkerHello{node_, describe_()});
    if (timer_ == 0) timer_ = reactor_.call_after(heartbeat_, [this] { beat(); });
  } else if (const auto why = why_rejected(); !why.empty()) {
    refused(Error{Errc::permission_denied, why});
  } else {
    log_.warning("coordinator_lost", {{"endpoint", endpoint_}});
  }
}

std::string CoordinatorLink::why_rejected() const {
  const auto rejection = dealer_->rejection();
  if (!rejection) return "";
  // Who meets a coordinator with keys without one is hung up on, sometimes before he can read why.
  if (!has_key_) return "it lets in who has a key; --key-file gives this worker its own";
  switch (*rejection) {
    case net::Rejection::not_allowed:
      return "it does not let this worker's key in; on the coordinator: kiln keys allow NAME KEY "
             "--role worker";
    case net::Rejection::other_mechanism:
      return "it has no keys, and this worker has one; --keys gives a coordinator its own";
    case net::Rejection::no_handshake:
      return "it has none of the keys by which this worker's key file knows coordinators; kiln "
             "keys "
             "trust adds one";
  }
  return "";
}

// The heartbeat is the whole state; while the coordinator has not welcomed us, the hello again.
void CoordinatorLink::beat() {
  timer_ = reactor_.call_after(heartbeat_, [this] { beat(); });
  if (welcomed_) {
    report();
  } else if (dealer_->connected() && !other_version_) {
    send(wire::WorkerHello{node_, describe_()});
  }
}

void CoordinatorLink::receive(wire::Frames frames) {
  auto envelope = wire::decode(std::move(frames));
  if (!envelope) {
    // A refusal by another version cannot be read, but its version can.
    if (envelope.error().code == Errc::version_mismatch) return refused(envelope.error());
    log_.warning("message_unreadable", {{"endpoint", endpoint_}, {"error", envelope.error()}});
    return;
  }
  if (const auto* welcome = std::get_if<wire::WorkerWelcome>(&envelope->message)) {
    welcomed_by(*welcome);
  } else if (const auto* orders = std::get_if<wire::PoolOrders>(&envelope->message)) {
    if (welcomed_ && pools_.ordered) pools_.ordered(*orders);
  } else if (const auto* admissions = std::get_if<wire::Admissions>(&envelope->message)) {
    if (admissions_) admissions_(*admissions);
  } else if (const auto* order = std::get_if<wire::NodeOrder>(&envelope->message)) {
    if (welcomed_ && node_order_) node_order_(*order);
  } else if (const auto* change = std::get_if<wire::LogChange>(&envelope->message)) {
    if (welcomed_ && log_change_) answer(*change);
  } else if (const auto* refused = std::get_if<wire::Refused>(&envelope->message)) {
    const bool revoked = welcomed_ && refused->code == name(Errc::permission_denied);
    this->refused(Error{errc_of(refused->code), refused->reason});
    if (revoked) dealer_->restart();  // the coordinator hears this connection no more
  } else if (const auto* ping = std::get_if<wire::Ping>(&envelope->message)) {
    send(wire::Pong{ping->number});
  }
}

void CoordinatorLink::welcomed_by(const wire::WorkerWelcome& welcome) {
  const bool is_new = !std::exchange(welcomed_, true);
  if (is_new) {
    log_.info("registered",
              {{"endpoint", endpoint_}, {"coordinator", LogId{welcome.coordinator_epoch, 0}}});
  }
  heartbeat_ = std::max<Duration>(milliseconds(welcome.heartbeat_ms), kShortestHeartbeat);
  refusal_.clear();
  std::erase_if(secrets_,
                [&](const auto& known) { return known.first == welcome.coordinator_epoch; });
  secrets_.emplace_back(welcome.coordinator_epoch, welcome.lease_secret);
  if (secrets_.size() > kSecretsKept) secrets_.erase(secrets_.begin());
  if (is_new && pools_.complete) report_pools(pools_.complete());
}

void CoordinatorLink::answer(const wire::LogChange& change) {
  const auto state = log_change_(change);
  if (state) return send(*state);
  send(wire::Refused{change.request, std::string(name(state.error().code)), state.error().message});
}

void CoordinatorLink::refused(const Error& error) {
  forget_welcome();
  other_version_ = error.code == Errc::version_mismatch;
  if (std::exchange(refusal_, error.message) == error.message) return;  // at every hello
  log_.error("refused_by_coordinator", {{"endpoint", endpoint_}, {"reason", error}});
}

void CoordinatorLink::send(const wire::Message& message) {
  const auto sent = dealer_->send(wire::encode(message));
  if (!sent) log_.debug("message_not_sent", {{"endpoint", endpoint_}, {"error", sent.error()}});
}

void CoordinatorLink::report() {
  if (welcomed_) send(wire::OccupancyReport{node_.name, node_.epoch, describe_()});
}

void CoordinatorLink::report_pools(wire::PoolReport report) {
  if (!welcomed_) return;
  report.worker = node_.name;
  report.worker_epoch = node_.epoch;
  report.coordinator_epoch = secrets_.back().first;
  for (auto& pool : report.pools) {
    pool.order = pools_.order_number(pool.name, report.coordinator_epoch);
  }
  send(report);
}

void CoordinatorLink::goodbye(const std::string& reason) {
  if (welcomed_) send(wire::WorkerGoodbye{node_.name, node_.epoch, reason});
}

bool CoordinatorLink::verifies(const Lease& lease) const {
  if (lease.worker != node_.name || lease.worker_epoch != node_.epoch) return false;
  for (const auto& [epoch, secret] : secrets_) {
    if (epoch == lease.id.coordinator_epoch) return auth::verify_lease(lease, secret);
  }
  return false;
}

}  // namespace kiln::worker
