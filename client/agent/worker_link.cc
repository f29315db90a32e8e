#include "client/agent/worker_link.h"

#include <utility>
#include <variant>

#include "common/wire/codec.h"

namespace kiln::client {
namespace {

constexpr Duration kBeat = milliseconds(500);
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

WorkerLink::WorkerLink(const net::BulkParts& parts, Logger log, std::string worker,
                       std::uint64_t worker_epoch, Ways ways, wire::PeerHello hello,
                       Handlers handlers)
    : reactor_(parts.reactor),
      log_(std::move(log)),
      worker_(std::move(worker)),
      worker_epoch_(worker_epoch),
      hello_(std::move(hello)),
      handlers_(std::move(handlers)),
      tasks_(std::move(ways.tasks)),
      bulk_(std::make_unique<net::BulkClient>(parts, std::move(ways.bulk))),
      silence_(parts.reactor.now()),
      down_since_(parts.reactor.now()) {
  tasks_->on_state([this](bool connected) { connection_changed(connected); });
  tasks_->on_message([this](wire::Frames frames) { receive(std::move(frames)); });
  if (tasks_->connected()) connection_changed(true);
  timer_ = reactor_.call_after(kBeat, [this] { beat(); });
}

WorkerLink::~WorkerLink() {
  if (timer_ != 0) reactor_.cancel(timer_);
}

Status WorkerLink::send(const wire::Message& message, wire::Frames raw) {
  if (state_ != State::ready) return fail(Errc::unavailable, "no connection to worker " + worker_);
  auto frames = wire::encode(message, std::move(raw));
  bytes_sent_ += size_of(frames);
  return tasks_->send(std::move(frames));
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
  silence_.heard(reactor_.now());
  const auto sent = tasks_->send(wire::encode(hello_));
  if (!sent) log_.warning("message_not_sent", {{"node", worker_}, {"error", sent.error()}});
}

void WorkerLink::receive(wire::Frames frames) {
  if (state_ == State::lost) return;
  silence_.heard(reactor_.now());
  bytes_received_ += size_of(frames);
  // Small, as what is large travels in the frames after it; decode() leaves nothing of a bad one.
  const std::string header = frames.empty() ? "" : frames[0];
  const std::string map = frames.size() < 2 ? "" : frames[1];
  auto envelope = wire::decode(std::move(frames));
  if (!envelope) return garbled(wire::salvage(header, map), envelope.error());
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

void WorkerLink::garbled(const wire::Salvage& rest, const Error& error) {
  if (error.code == Errc::version_mismatch) return lose(error.message);
  log_.warning("message_unreadable",
               {{"node", worker_}, {"count", ++unreadable_}, {"error", error}});
  if (!rest.attempt && nameless_.one_more(reactor_.now()))
    return lose("what it sends cannot be read: " + error.message);
  handlers_.garbled(rest, error.message);
}

void WorkerLink::beat() {
  timer_ = reactor_.call_after(kBeat, [this] { beat(); });
  const TimePoint now = reactor_.now();
  if (silence_.beat(now)) down_since_ = now;
  if (tasks_->is_stalled()) silence_.heard(now);
  if (state_ == State::connecting) {
    // It may come back meanwhile, with tasks and results kept by the worker.
    if (!tasks_->connected() && now - down_since_ > tasks_->patience())
      return lose("the connection is gone");
    if (tasks_->connected() && silence_.silence(now) > kSilence)
      return lose("it does not greet us");
    return;
  }
  if (!busy_) {
    silence_.heard(now);
    return;
  }
  if (state_ == State::ready && silence_.silence(now) > kSilence) return lose("it is silent");
  if (state_ == State::ready) static_cast<void>(send(wire::Ping{++pings_}));
}

void WorkerLink::lose(const std::string& reason) {
  if (std::exchange(state_, State::lost) == State::lost) return;
  log_.warning("worker_lost", {{"node", worker_}, {"reason", reason}});
  if (timer_ != 0) reactor_.cancel(std::exchange(timer_, 0));
  // Deferred: whoever is told may destroy this link.
  reactor_.defer([lost = handlers_.lost, reason, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) lost(reason);
  });
}

}  // namespace kiln::client
