#include "common/net/relay_trunk.h"

#include <utility>
#include <variant>

#include "common/wire/codec.h"

namespace kiln::net {
namespace {

constexpr Duration kBeat = milliseconds(500);
// A coordinator whose machine vanished closes no connection.
constexpr Duration kSilence = seconds(5);

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
      heard_(reactor.now()),
      last_beat_(reactor.now()) {
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
  heard_ = reactor_.now();
  known_ = false;
  if (connected) {
    connected_since_ = heard_;
    return greet();
  }
  mux_.lost({Errc::unavailable, "the connection to the coordinator is gone"});
}

void RelayTrunk::greet() {
  if (hello_ && !known_) send(*hello_);
}

void RelayTrunk::receive(wire::Frames frames) {
  heard_ = reactor_.now();
  const auto other = mux_.receive(std::move(frames));
  if (!other) return;
  if (std::holds_alternative<wire::RelayHello>(other->message)) {
    known_ = true;
    refusal_.clear();
  } else if (const auto* refused = std::get_if<wire::Refused>(&other->message)) {
    // Until its worker is welcomed, or for as long as its key has not that worker's rights.
    if (std::exchange(refusal_, refused->reason) != refused->reason)
      log_.debug("no streams yet", {{"from", endpoint_}, {"reason", refused->reason}});
  }
}

bool RelayTrunk::is_silent() const {
  return reactor_.now() - heard_ > 3 * kBeat;
}

void RelayTrunk::beat() {
  timer_ = reactor_.call_after(kBeat, [this] { beat(); });
  const TimePoint now = reactor_.now();
  // When it is we who stood still, what was sent to us meanwhile has not been read yet.
  if (now - std::exchange(last_beat_, now) > 4 * kBeat) heard_ = now;
  mux_.sweep();
  if (!dealer_->connected()) return;
  greet();
  // Silence only matters while something is under way.
  if (mux_.streams() == 0 && !hello_) {
    heard_ = now;
    return;
  }
  if (now - heard_ > kSilence) {
    log_.warning("coordinator silent", {{"endpoint", endpoint_}});
    return dealer_->restart();
  }
  send(wire::Ping{++pings_});
}

// The next beat makes good what is lost of this.
void RelayTrunk::send(const wire::Message& message) {
  const auto sent = dealer_->send(wire::encode(message));
  if (!sent) log_.debug("not sent", {{"to", endpoint_}, {"error", sent.error()}});
}

}  // namespace kiln::net
