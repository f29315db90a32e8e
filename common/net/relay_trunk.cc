#include "common/net/relay_trunk.h"

#include <utility>
#include <variant>

#include "common/wire/codec.h"

namespace kiln::net {
namespace {

constexpr Duration kBeat = milliseconds(500);
// A coordinator whose machine vanished closes no connection.
constexpr Duration kSilence = seconds(5);
constexpr Duration kLogAgain = seconds(1);

}  // namespace

Result<std::unique_ptr<RelayTrunk>> RelayTrunk::connect(Reactor& reactor, Context& context,
                                                        Logger log, const std::string& endpoint,
                                                        const SocketOptions& options,
                                                        std::optional<wire::RelayHello> hello) {
  KILN_TRY_ASSIGN(auto dealer, Dealer::connect(reactor, context, endpoint, options));
  return std::unique_ptr<RelayTrunk>(
      new RelayTrunk(reactor, std::move(log), endpoint, std::move(dealer), std::move(hello)));
}

RelayTrunk::RelayTrunk(Reactor& reactor, Logger log, std::string endpoint,
                       std::unique_ptr<Dealer> dealer, std::optional<wire::RelayHello> hello)
    : reactor_(reactor),
      log_(std::move(log)),
      endpoint_(std::move(endpoint)),
      dealer_(std::move(dealer)),
      hello_(std::move(hello)),
      mux_([this](wire::Frames frames) { return dealer_->send(std::move(frames)); }),
      silence_(reactor.now()) {
  mux_.on_unreadable([this](const Error& error) { unreadable(error); });
  dealer_->on_state([this](bool connected) { connection_changed(connected); });
  dealer_->on_message([this](wire::Frames frames) { receive(std::move(frames)); });
  if (dealer_->connected()) connection_changed(true);
  timer_ = reactor_.call_after(kBeat, [this] { beat(); });
}

RelayTrunk::~RelayTrunk() {
  reactor_.cancel(timer_);
  mux_.lost({Errc::cancelled, "the connection to the coordinator is closed"});
}

void RelayTrunk::connection_changed(bool connected) {
  silence_.heard(reactor_.now());
  known_ = false;
  if (connected) {
    connected_since_ = reactor_.now();
    return greet();
  }
  mux_.lost({Errc::unavailable, "the connection to the coordinator is gone"});
}

void RelayTrunk::greet() {
  if (hello_ && !known_) send(*hello_);
}

void RelayTrunk::receive(wire::Frames frames) {
  silence_.heard(reactor_.now());
  const auto other = mux_.receive(std::move(frames));
  if (!other) return;
  if (std::holds_alternative<wire::RelayHello>(other->message)) {
    known_ = true;
    refusal_.clear();
  } else if (const auto* refused = std::get_if<wire::Refused>(&other->message)) {
    // Until its worker is welcomed, or for as long as its key has not that worker's rights.
    if (std::exchange(refusal_, refused->reason) != refused->reason)
      log_.debug("streams_refused", {{"endpoint", endpoint_}, {"reason", refused->reason}});
  }
}

// Whoever sends one such message may send many.
void RelayTrunk::unreadable(const Error& error) {
  const TimePoint now = reactor_.now();
  if (now - logged_unreadable_ < kLogAgain) return;
  logged_unreadable_ = now;
  log_.warning("message_unreadable",
               {{"endpoint", endpoint_}, {"count", mux_.unreadable()}, {"error", error}});
}

bool RelayTrunk::is_silent() const {
  return silence_.silence(reactor_.now()) > 3 * kBeat;
}

void RelayTrunk::beat() {
  timer_ = reactor_.call_after(kBeat, [this] { beat(); });
  const TimePoint now = reactor_.now();
  silence_.beat(now);
  mux_.sweep();
  if (!dealer_->connected()) return;
  greet();
  // Silence only matters while something is under way.
  if (mux_.streams() == 0 && !hello_) {
    silence_.heard(now);
    return;
  }
  if (silence_.silence(now) > kSilence) {
    log_.warning("coordinator_silent", {{"endpoint", endpoint_}});
    return dealer_->restart();
  }
  send(wire::Ping{++pings_});
}

// The next beat makes good what is lost of this.
void RelayTrunk::send(const wire::Message& message) {
  const auto sent = dealer_->send(wire::encode(message));
  if (!sent) log_.debug("message_not_sent", {{"endpoint", endpoint_}, {"error", sent.error()}});
}

}  // namespace kiln::net
