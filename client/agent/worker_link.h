// The agent's connection to one worker: tasks and blobs, and whether it is alive.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_set>

#include "client/policy/garble_count.h"
#include "common/base/log.h"
#include "common/base/result.h"
#include "common/net/bulk.h"
#include "common/net/connection.h"
#include "common/net/reactor.h"
#include "common/net/silence.h"
#include "common/wire/messages.h"
#include "common/wire/salvage.h"

namespace kiln::client {

class WorkerLink {
 public:
  enum class State : std::uint8_t { connecting, ready, lost };
  struct Handlers {
    // Every message about an attempt.
    std::function<void(wire::Envelope)> message;
    // One that cannot be read, and why not; what it is about may be asked for again.
    std::function<void(const wire::Salvage&, const std::string& why)> garbled;
    // Greeted by the worker, for the first time or again: attempts under way can be reclaimed.
    std::function<void()> ready;
    // Gone for good: silent, unreachable or unreadable for too long, or another process took its
    // place.
    std::function<void(const std::string& reason)> lost;
  };

  // The two connections, which are not up yet.
  struct Ways {
    std::unique_ptr<net::Connection> tasks;
    std::unique_ptr<net::Connection> bulk;
  };

  WorkerLink(const net::BulkParts& parts, Logger log, std::string worker,
             std::uint64_t worker_epoch, Ways ways, wire::PeerHello hello, Handlers handlers);
  ~WorkerLink();

  State state() const { return state_; }
  const std::string& worker() const { return worker_; }
  std::uint64_t worker_epoch() const { return worker_epoch_; }

  // Errc::unavailable while not ready.
  Status send(const wire::Message& message, wire::Frames raw = {});
  net::BulkClient& bulk() { return *bulk_; }

  // Silence only matters while something is under way.
  void set_busy(bool busy) { busy_ = busy; }

  // What the worker most likely has, because it was sent there; it asks for what it has not.
  bool known(const Digest& digest) const { return known_.contains(digest); }
  void learn(const Digest& digest);
  // Encoded bytes that went either way, on both connections.
  std::uint64_t bytes_sent() const { return bytes_sent_ + bulk_->bytes_sent(); }
  std::uint64_t bytes_received() const { return bytes_received_ + bulk_->bytes_received(); }

 private:
  void connection_changed(bool connected);
  void receive(wire::Frames frames);
  void garbled(const wire::Salvage& rest, const Error& error);
  void beat();
  void lose(const std::string& reason);

  net::Reactor& reactor_;
  Logger log_;
  std::string worker_;
  std::uint64_t worker_epoch_;
  wire::PeerHello hello_;
  Handlers handlers_;
  std::unique_ptr<net::Connection> tasks_;
  std::unique_ptr<net::BulkClient> bulk_;
  State state_ = State::connecting;
  bool busy_ = false;
  net::SilenceWatch silence_;
  TimePoint down_since_;
  std::unordered_set<Digest> known_;
  std::uint64_t pings_ = 0;
  GarbleCount nameless_;          // messages of which not even the attempt can be told
  std::uint64_t unreadable_ = 0;  // messages, for the log
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t bytes_received_ = 0;
  net::TimerId timer_ = 0;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // deferred work asks whether we are
};

}  // namespace kiln::client
