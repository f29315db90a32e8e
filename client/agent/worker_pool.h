// The agent's worker connections, and which attempt belongs to which.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "client/agent/worker_link.h"
#include "client/agent/worker_routes.h"
#include "client/policy/lease_book.h"

namespace kiln::client {

// What a worker connection tells an attempt.
class AttemptEvents {
 public:
  virtual ~AttemptEvents() = default;
  virtual void worker_ready() = 0;
  virtual void worker_lost(const std::string& why) = 0;
  virtual void worker_message(wire::Envelope envelope) = 0;
  // Its result came, but cannot be read.
  virtual void result_garbled(const std::string& why) = 0;
  // Another message about it came and cannot be read.
  virtual void message_garbled(const std::string& why) = 0;
};

class WorkerPool {
 public:
  // `dropped` is called with the name of a worker whose connection is gone.
  WorkerPool(const net::BulkParts& parts, Logger log, wire::PeerHello hello,
             WorkerRoutes::Options routes, std::function<void(const std::string&)> dropped);

  // The connection to the lease's worker, made when needed; `events` hears of the attempt until
  // detach. The link lives at least until the attempt is told that it is lost.
  Result<WorkerLink*> attach(const HeldLease& lease, const AttemptId& attempt,
                             AttemptEvents& events);
  void detach(const AttemptId& attempt);

  std::uint64_t bytes_sent() const;
  std::uint64_t bytes_received() const;

 private:
  using Key = std::pair<std::string, std::uint64_t>;  // name, epoch
  struct Place {
    std::unique_ptr<WorkerLink> link;
    std::map<AttemptId, AttemptEvents*> attempts;
  };
  void ready(const Key& key);
  void lost(const Key& key, const std::string& why);
  void message(const Key& key, wire::Envelope envelope);
  void garbled(const Key& key, const wire::Salvage& rest, const std::string& why);

  net::BulkParts parts_;
  Logger log_;
  wire::PeerHello hello_;
  std::function<void(const std::string&)> dropped_;
  WorkerRoutes routes_;  // outlives the connections
  std::map<Key, Place> places_;
  std::map<AttemptId, Key> attempts_;
  std::uint64_t old_sent_ = 0;  // by connections that are gone
  std::uint64_t old_received_ = 0;
};

}  // namespace kiln::client
