#include "client/agent/worker_link.h"

#include <utility>
#include <variant>

#include "common/wire/codec.h"

namespace kiln::client {
namespace {

constexpr Duration kBeat = milliseconds(500);
// A broken connection may come back within this time, with tasks and results kept by the worker.
constexpr Duration kReconnect = milliseconds(1500);
// An open connection on which nothing is heard, not even the answer to a ping.
constexpr Duration kSilence = seconds(5);
// Enough for the inputs of very large builds; beyond it, the worker is simply asked again.
constexpr std::size_t kKnown = 1U << 20U;

std::uint64_t size_of(const wire::Frames& frames) {
  std::uint64_t bytes = 0;
  for (const auto& frame : frames) bytes += frame.size();
  return bytes;
}

}  // namespace

Result<std::unique_ptr<WorkerLink>> WorkerLink::connect(const net::BulkParts& parts, Logger log,
                                                        const std::string& worker,
                                                        std::uint64_t worker_epoch,
                                                        const std::string& task_address,
                                                        const std::string& bulk_address,
                                                        wire::PeerHello hello, Handlers handlers) {
  std::unique_ptr<WorkerLink> link(new WorkerLink(parts, std::move(log), worker, worker_epoch,
                                                  std::move(hello), std::move(handlers)));
  KILN_TRY_ASSIGN(link->dealer_, net::Dealer::connect(parts.reactor, parts.context, task_address));
  KILN_TRY_ASSIGN(link->bulk_, net::BulkClient::connect(parts, bulk_address));
  auto* self = link.get();
  self->dealer_->on_state([self](bool connected) { self->connection_changed(connected); });
  self->dealer_->on_message([self](wire::Frames frames) { self->receive(std::move(frames)); });
  if (self->dealer_->connected()) self->connection_changed(true);
  self->timer_ = parts.reactor.call_after(kBeat, [self] { self->beat(); });
  return link;
}

WorkerLink::WorkerLink(const net::BulkParts& parts, Logger log, std::string worker,
                       std::uint64_t worker_epoch, wire::PeerHello hello, Handlers handlers)
    : reactor_(parts.reactor),
      log_(std::move(log)),
      worker_(std::move(worker)),
      worker_epoch_(worker_epoch),
      hello_(std::move(hello)),
      handlers_(std::move(handlers)),
      heard_(parts.reactor.now()),
      down_since_(parts.reactor.now()),
      last_beat_(parts.reactor.now()) {}

WorkerLink::~WorkerLink() {
  if (timer_ != 0) reactor_.cancel(timer_);
}

Status WorkerLink::send(const wire::Message& message, wire::Frames raw) {
  if (state_ != State::ready) return fail(Errc::unavailable, "no connection to worker " + worker_);
  auto frames = wire::encode(message, std::move(raw));
  bytes_sent_ += size_of(frames);
  return dealer_->send(std::move(frames));
}

void WorkerLink::learn(const Digest& digest) {
  if (known_.size() >= kKnown) known_.clear();
  known_.insert(digest);
}

void WorkerLink::connection_changed(bool connected) {
  if (state_ == State::lost) return;
  if (!connected) {
    state_ = State::connecting;
    down_since_ = reactor_.now();
    return;
  }
  heard_ = reactor_.now();
  const auto sent = dealer_->send(wire::encode(hello_));
  if (!sent) log_.warning("no hello", {{"worker", worker_}, {"error", sent.error()}});
}

void WorkerLink::receive(wire::Frames frames) {
  if (state_ == State::lost) return;
  heard_ = reactor_.now();
  bytes_received_ += size_of(frames);
  auto envelope = wire::decode(std::move(frames));
  if (!envelope) return lose(envelope.error().message);
  if (const auto* welcome = std::get_if<wire::PeerWelcome>(&envelope->message)) {
    if (welcome->worker_epoch != worker_epoch_)
      return lose("another worker process answers at its address");
    state_ = State::ready;
    handlers_.ready();
  } else if (const auto* refused = std::get_if<wire::Refused>(&envelope->message)) {
    lose("refused: " + refused->reason);
  } else if (!std::holds_alternative<wire::Pong>(envelope->message)) {
    handlers_.message(std::move(*envelope));
  }
}

void WorkerLink::beat() {
  timer_ = reactor_.call_after(kBeat, [this] { beat(); });
  const TimePoint now = reactor_.now();
  // When it is we who stood still, what the worker sent meanwhile has not been read yet.
  if (now - std::exchange(last_beat_, now) > 4 * kBeat) heard_ = down_since_ = now;
  if (state_ == State::connecting) {
    if (!dealer_->connected() && now - down_since_ > kReconnect)
      return lose("the connection is gone");
    if (dealer_->connected() && now - heard_ > kSilence) return lose("it does not greet us");
    return;
  }
  if (!busy_) {
    heard_ = now;
    return;
  }
  if (state_ == State::ready && now - heard_ > kSilence) return lose("it is silent");
  if (state_ == State::ready) static_cast<void>(send(wire::Ping{++pings_}));
}

void WorkerLink::lose(const std::string& reason) {
  if (std::exchange(state_, State::lost) == State::lost) return;
  log_.warning("worker lost", {{"worker", worker_}, {"reason", reason}});
  if (timer_ != 0) reactor_.cancel(std::exchange(timer_, 0));
  // Deferred: whoever is told may destroy this link.
  reactor_.defer([lost = handlers_.lost, reason, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) lost(reason);
  });
}

}  // namespace kiln::client
