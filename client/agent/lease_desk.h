// Gets a lease for every attempt that waits: from the book, else from the coordinator.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/agent/farm_link.h"
#include "client/policy/lease_book.h"
#include "common/net/reactor.h"

namespace kiln::client {

// What an attempt wants to run with.
struct LeaseWish {
  Digest toolchain;
  std::string architecture;
  std::string pool;
  std::string key;
  std::string build;
  std::int32_t priority = 0;
  std::uint64_t size_hint_bytes = 0;
  // Workers to do without. Of one who insists they are only put off: when there is no other for
  // some seconds he is given one of them, as trying again is better than waiting in vain.
  std::vector<std::string> excluded;
  Duration patience{};  // after this without a lease: timed_out
  // There is no local run: waits even for a coordinator, and patience counts from the last lease
  // that another with the same key got, and from the last word that the pool is warming.
  bool insists = false;
  Duration farm_patience{};  // of one who insists, without a coordinator or a node; 0: no limit

  LeaseKey lease_key() const { return {toolchain, pool, build, priority}; }
};

class LeaseDesk {
 public:
  using Ticket = std::uint64_t;
  using Done = std::function<void(Result<HeldLease>)>;

  LeaseDesk(net::Reactor& reactor, FarmLink& farm, BookPolicy policy, Logger log = {});
  ~LeaseDesk();

  // `done` is called once, never from within: with a lease, or with Errc::unavailable when there is
  // no coordinator or no node, or the farm keeps us out, timed_out when no slot came free in time.
  Ticket wait(LeaseWish wish, Done done);
  // The attempt wants none any more; `done` is not called.
  void forget(Ticket ticket);

  void give_back(const LeaseId& id);
  void spoil(const LeaseId& id);
  void drop_worker(const std::string& worker);
  // Gives every idle lease back, for an orderly end.
  void release_all();

  // From the FarmLink.
  void granted(const wire::Grant& grant);
  void refused(const wire::Refused& refusal);
  void farm_changed();

  std::size_t waiting() const { return waiters_.size(); }

 private:
  struct Waiter {
    LeaseWish wish;
    LeaseKey key;  // of the wish
    Done done;
    TimePoint begun;
    TimePoint hope{};       // when his pool was last said to be warming
    bool asked = false;     // by a request of its own
    TimePoint ask_after{};  // a refusal is not answered by asking again at once
    // Since when each of its requests was refused for that no node fits, and why the last one was.
    std::optional<TimePoint> refused_since{};
    std::optional<Error> refusal{};
  };
  // What those who want the same have in common.
  struct Kin {
    LeaseWish wish;       // without exclusions, for batches and renewals
    TimePoint hope;       // when one of them was last served, or their pool last said to be warming
    TimePoint ask_after;  // likewise
  };
  struct Request {
    LeaseKey key;
    std::uint32_t open = 0;  // leases not granted yet
    Ticket ticket = 0;       // of the waiter with exclusions that it is for, or 0
    std::optional<TimePoint> unwanted_since;
  };
  void pump();
  void serve();
  void ask(const LeaseWish& wish, std::uint32_t count, Ticket ticket);
  void ask_for_waiters(const std::map<LeaseKey, std::uint32_t>& waiting);
  void request_over(const Request& request);
  void warming(const Request& request, TimePoint now);
  // How many wait for any node, by what they wait for.
  std::map<LeaseKey, std::uint32_t> waiting_for_any() const;
  // Withdraws requests that nobody has waited for in a while; returns when to look again.
  std::optional<TimePoint> withdraw(TimePoint now);
  void end(Ticket ticket, const Error& error);
  void end_refused(const Request& request, const Error& error);
  void join_kin(const LeaseKey& key, LeaseWish wish);
  std::vector<Ticket> waiters_of(const Request& request) const;
  void note_refusal(const Request& request, const Error& error);
  Error why_in_vain(const Waiter& waiter) const;
  TimePoint asks_after(const Waiter& waiter) const;
  // Since when it waits in vain.
  TimePoint waits_since(const Waiter& waiter) const;
  TimePoint deadline_of(const Waiter& waiter) const;
  void arm();
  void release(const std::vector<LeaseId>& leases);
  std::uint32_t asked(const LeaseKey& key) const;

  net::Reactor& reactor_;
  FarmLink& farm_;
  Logger log_;
  LeaseBook book_;
  std::map<Ticket, Waiter> waiters_;  // by age
  std::map<std::uint64_t, Request> requests_;
  std::map<LeaseKey, Kin> kin_;
  Ticket last_ticket_ = 0;
  std::uint64_t last_request_ = 0;
  net::TimerId timer_ = 0;
  bool pump_due_ = false;
  TimePoint farm_lost_;  // or when we began, before the first coordinator answered
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // deferred work asks whether we are
};

}  // namespace kiln::client
