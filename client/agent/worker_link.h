// The agent's connection to one worker: tasks and blobs, and whether it is alive.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_set>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/net/bulk.h"
#include "common/net/dealer.h"
#include "common/net/reactor.h"
#include "common/wire/messages.h"

namespace kiln::client {

class WorkerLink {
 public:
  enum class State : std::uint8_t { connecting, ready, lost };
  struct Handlers {
    // Every message about an attempt.
    std::function<void(wire::Envelope)> message;
    // Greeted by the worker, for the first time or again: attempts under way can be reclaimed.
    std::function<void()> ready;
    // Gone for good: silent or unreachable for too long, or another process took its place.
    std::function<void(const std::string& reason)> lost;
  };

  static Result<std::unique_ptr<WorkerLink>> connect(const net::BulkParts& parts, Logger log,
                                                     const std::string& worker,
                                                     std::uint64_t worker_epoch,
                                                     const std::string& task_address,
                                                     const std::string& bulk_address,
                                                     wire::PeerHello hello, Handlers handlers);
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
  // Encoded bytes that went either way, on both sockets.
  std::uint64_t bytes_sent() const { return bytes_sent_ + bulk_->bytes_sent(); }
  std::uint64_t bytes_received() const { return bytes_received_ + bulk_->bytes_received(); }

 private:
  WorkerLink(const net::BulkParts& parts, Logger log, std::string worker,
             std::uint64_t worker_epoch, wire::PeerHello hello, Handlers handlers);
  void connection_changed(bool connected);
  void receive(wire::Frames frames);
  void beat();
  void lose(const std::string& reason);

  net::Reactor& reactor_;
  Logger log_;
  std::string worker_;
  std::uint64_t worker_epoch_;
  wire::PeerHello hello_;
  Handlers handlers_;
  std::unique_ptr<net::Dealer> dealer_;
  std::unique_ptr<net::BulkClient> bulk_;
  State state_ = State::connecting;
  bool busy_ = false;
  TimePoint heard_;
  TimePoint down_since_;
  TimePoint last_beat_;
  std::unordered_set<Digest> known_;
  std::uint64_t pings_ = 0;
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t bytes_received_ = 0;
  net::TimerId timer_ = 0;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // deferred work asks whether we are
};

}  // namespace kiln::client
