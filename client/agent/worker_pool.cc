#include "client/agent/worker_pool.h"

#include <optional>
#include <variant>
#include <vector>

namespace kiln::client {
namespace {

// The attempt that a worker's message is about.
struct AttemptOf {
  template <typename Kind>
  std::optional<AttemptId> operator()(const Kind& message) const {
    if constexpr (requires { message.attempt; }) {
      return message.attempt;
    } else {
      return std::nullopt;
    }
  }
};

}  // namespace

WorkerPool::WorkerPool(const net::BulkParts& parts, Logger log, wire::PeerHello hello,
                       WorkerRoutes::Options routes,
                       std::function<void(const std::string&)> dropped)
    : parts_(parts),
      log_(std::move(log)),
      hello_(std::move(hello)),
      dropped_(std::move(dropped)),
      routes_(parts_, log_, std::move(routes)) {}

Result<WorkerLink*> WorkerPool::attach(const HeldLease& lease, const AttemptId& attempt,
                                       AttemptEvents& events) {
  const Key key{lease.lease.worker, lease.lease.worker_epoch};
  Place& place = places_[key];
  if (!place.link) {
    WorkerLink::Handlers handlers;
    handlers.ready = [this, key] { ready(key); };
    handlers.lost = [this, key](const std::string& why) { lost(key, why); };
    handlers.message = [this, key](wire::Envelope envelope) { message(key, std::move(envelope)); };
    handlers.garbled = [this, key](const wire::Salvage& rest, const std::string& why) {
      garbled(key, rest, why);
    };
    auto ways = routes_.ways(lease);
    if (!ways) {
      places_.erase(key);
      return fail(ways.error());
    }
    place.link = std::make_unique<WorkerLink>(parts_, log_, key.first, key.second, std::move(*ways),
                                              hello_, std::move(handlers));
  }
  place.attempts[attempt] = &events;
  place.link->set_busy(true);
  attempts_[attempt] = key;
  return place.link.get();
}

void WorkerPool::detach(const AttemptId& attempt) {
  const auto found = attempts_.find(attempt);
  if (found == attempts_.end()) return;
  const auto place = places_.find(found->second);
  attempts_.erase(found);
  if (place == places_.end()) return;
  place->second.attempts.erase(attempt);
  place->second.link->set_busy(!place->second.attempts.empty());
}

void WorkerPool::ready(const Key& key) {
  const auto place = places_.find(key);
  if (place == places_.end()) return;
  const auto attempts = place->second.attempts;
  for (const auto& [attempt, events] : attempts) {
    if (attempts_.contains(attempt)) events->worker_ready();
  }
}

// The link goes first: what the attempts do next must not find it.
void WorkerPool::lost(const Key& key, const std::string& why) {
  auto place = places_.extract(key);
  if (!place) return;
  old_sent_ += place.mapped().link->bytes_sent();
  old_received_ += place.mapped().link->bytes_received();
  routes_.forget(key.first, key.second);
  dropped_(key.first);
  for (const auto& [attempt, events] : place.mapped().attempts) {
    if (attempts_.erase(attempt) > 0) events->worker_lost(why);
  }
}

void WorkerPool::message(const Key& key, wire::Envelope envelope) {
  const auto attempt = std::visit(AttemptOf{}, envelope.message);
  const auto place = places_.find(key);
  if (!attempt || place == places_.end()) return;
  const auto events = place->second.attempts.find(*attempt);
  if (events != place->second.attempts.end()) {
    events->second->worker_message(std::move(envelope));
  } else if (std::holds_alternative<wire::RunResult>(envelope.message)) {
    static_cast<void>(place->second.link->send(wire::Ack{*attempt}));  // nobody wants it any more
  }
}

// Whoever may have missed a message asks how his attempt stands, as after a lost connection.
void WorkerPool::garbled(const Key& key, const wire::Salvage& rest, const std::string& why) {
  const auto place = places_.find(key);
  if (place == places_.end()) return;
  if (!rest.attempt) return ready(key);
  const auto events = place->second.attempts.find(*rest.attempt);
  if (events == place->second.attempts.end()) {
    static_cast<void>(place->second.link->send(wire::Ack{*rest.attempt}));
  } else if (rest.is_result) {
    events->second->result_garbled(why);
  } else {
    events->second->message_garbled(why);
  }
}

std::uint64_t WorkerPool::bytes_sent() const {
  std::uint64_t bytes = old_sent_;
  for (const auto& [key, place] : places_) bytes += place.link->bytes_sent();
  return bytes;
}

std::uint64_t WorkerPool::bytes_received() const {
  std::uint64_t bytes = old_received_;
  for (const auto& [key, place] : places_) bytes += place.link->bytes_received();
  return bytes;
}

}  // namespace kiln::client
