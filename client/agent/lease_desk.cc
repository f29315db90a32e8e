#include "client/agent/lease_desk.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/model/log_id.h"

namespace kiln::client {
namespace {

// How long a call waits for a first connection to a coordinator, and for a lost one to come back.
constexpr Duration kConnectGrace = milliseconds(800);
// How long whoever insists waits for a key to be let in: a coordinator looks at its list each
// second, and an agent whom it keeps out tries again as often.
constexpr Duration kListGrace = seconds(3);
// How soon a refused request is made again for whoever insists.
constexpr Duration kAskAgain = milliseconds(250);
// Requests under way at once, below what a coordinator takes of one client. What is wanted beyond
// is asked for, all together, when one of these is over.
constexpr std::size_t kRequests = 64;
// How long whoever insists waits for another node than those that his task failed on.
constexpr Duration kOthersGrace = seconds(2);
// How long a request stays that nobody waits for: the next call may be about to.
constexpr Duration kKeepRequest = milliseconds(500);

}  // namespace

LeaseDesk::LeaseDesk(net::Reactor& reactor, FarmLink& farm, BookPolicy policy, Logger log)
    : reactor_(reactor),
      farm_(farm),
      log_(std::move(log)),
      book_(policy),
      farm_lost_(reactor.now()) {}

LeaseDesk::~LeaseDesk() {
  if (timer_ != 0) reactor_.cancel(timer_);
}

LeaseDesk::Ticket LeaseDesk::wait(LeaseWish wish, Done done) {
  const Ticket ticket = ++last_ticket_;
  LeaseKey key = wish.lease_key();
  join_kin(key, wish);
  waiters_.emplace(ticket,
                   Waiter{std::move(wish), std::move(key), std::move(done), reactor_.now()});
  pump();
  return ticket;
}

void LeaseDesk::join_kin(const LeaseKey& key, LeaseWish wish) {
  wish.excluded.clear();
  kin_[key].wish = std::move(wish);
}

void LeaseDesk::forget(Ticket ticket) {
  if (waiters_.erase(ticket) > 0) pump();
}

void LeaseDesk::give_back(const LeaseId& id) {
  book_.give_back(id, reactor_.now());
  pump();
}

void LeaseDesk::spoil(const LeaseId& id) {
  book_.spoil(id);
  pump();
}

void LeaseDesk::drop_worker(const std::string& worker) {
  book_.drop_worker(worker);
  pump();
}

void LeaseDesk::release_all() {
  release(book_.clear());
}

void LeaseDesk::release(const std::vector<LeaseId>& leases) {
  // A coordinator that cannot be told forgets them when they expire.
  if (leases.empty()) return;
  for (const auto& lease : leases) log_.debug("lease_released", {{"lease", log_id(lease)}});
  static_cast<void>(farm_.send(wire::Release{leases}));
}

// Deferred, so that nobody is called back from within a call, and so that the calls that arrive
// together are asked for together.
void LeaseDesk::pump() {
  if (std::exchange(pump_due_, true)) return;
  reactor_.defer([this, alive = std::weak_ptr<int>(alive_)] {
    if (alive.expired()) return;
    pump_due_ = false;
    serve();
    arm();
  });
}

std::uint32_t LeaseDesk::asked(const LeaseKey& key) const {
  std::uint32_t open = 0;
  for (const auto& [id, request] : requests_) {
    if (request.key == key && request.ticket == 0) open += request.open;
  }
  return open;
}

void LeaseDesk::serve() {
  const TimePoint now = reactor_.now();
  std::vector<std::pair<Done, HeldLease>> served;
  std::map<LeaseKey, std::uint32_t> waiting;  // for any node; then the book has nothing for more
  for (auto at = waiters_.begin(); at != waiters_.end();) {
    Waiter& waiter = at->second;
    std::optional<HeldLease> lease;
    if (!waiting.contains(waiter.key)) lease = book_.take(waiter.key, waiter.wish.excluded, now);
    if (lease) {
      kin_[waiter.key].hope = now;
      served.emplace_back(std::move(waiter.done), std::move(*lease));
      at = waiters_.erase(at);
      continue;
    }
    if (waiter.wish.excluded.empty()) ++waiting[waiter.key];
    ++at;
  }
  if (farm_.usable()) ask_for_waiters(waiting);
  for (auto& [done, lease] : served) done(std::move(lease));
}

// Those that share their wish are asked for together; a waiter with exclusions asks for itself.
void LeaseDesk::ask_for_waiters(const std::map<LeaseKey, std::uint32_t>& waiting) {
  const TimePoint now = reactor_.now();
  for (auto at = kin_.begin(); at != kin_.end();) {
    const auto& [key, kin] = *at;
    const auto found = waiting.find(key);
    const std::uint32_t without = found == waiting.end() ? 0 : found->second;
    const auto count = book_.wanted(key, without, asked(key), now);
    if (count > 0 && now >= kin.ask_after && requests_.size() < kRequests) ask(kin.wish, count, 0);
    // Builds come and go: what nobody wants or holds any more is forgotten.
    const bool is_over = without == 0 && !book_.holds(key) && asked(key) == 0;
    at = is_over ? kin_.erase(at) : std::next(at);
  }
  for (auto& [ticket, waiter] : waiters_) {
    if (waiter.wish.excluded.empty() || waiter.asked || now < waiter.ask_after) continue;
    if (requests_.size() >= kRequests) break;
    waiter.asked = true;
    ask(waiter.wish, 1, ticket);
  }
}

void LeaseDesk::ask(const LeaseWish& wish, std::uint32_t count, Ticket ticket) {
  wire::Acquire acquire;
  acquire.request = ++last_request_;
  acquire.pool = wish.pool;
  acquire.toolchain = wish.toolchain;
  acquire.architecture = wish.architecture;
  acquire.key = wish.key;
  acquire.priority = wish.priority;
  acquire.build = wish.build;
  acquire.count = count;
  acquire.size_hint_bytes = wish.size_hint_bytes;
  acquire.excluded = wish.excluded;
  log_.debug("leases_asked", {{"request", acquire.request},
                              {"build", acquire.build},
                              {"pool", acquire.pool},
                              {"count", count},
                              {"excluded", acquire.excluded.size()}});
  if (farm_.send(acquire)) requests_[acquire.request] = {wish.lease_key(), count, ticket, {}};
}

void LeaseDesk::granted(const wire::Grant& grant) {
  const auto found = requests_.find(grant.request);
  const TimePoint now = reactor_.now();
  if (found == requests_.end()) {
    std::vector<LeaseId> unwanted;
    for (const auto& lease : grant.leases) unwanted.push_back(lease.lease.id);
    return release(unwanted);
  }
  if (grant.leases.empty()) warming(found->second, now);
  for (const auto& lease : grant.leases) {
    log_.debug("lease_granted", {{"request", grant.request},
                                 {"lease", log_id(lease.lease.id)},
                                 {"node", lease.lease.worker},
                                 {"tasks", lease.lease.tasks}});
    book_.add(found->second.key,
              {lease.lease, lease.task_address, lease.bulk_address, lease.toolchain_sources}, now);
    if (found->second.open > 0) --found->second.open;
  }
  if (found->second.open == 0) {
    request_over(found->second);
    requests_.erase(found);
  }
  pump();
}

// The coordinator keeps the request, as the pool is warming.
void LeaseDesk::warming(const Request& request, TimePoint now) {
  const auto kin = kin_.find(request.key);
  if (kin != kin_.end()) kin->second.hope = now;
  for (const auto ticket : waiters_of(request)) {
    waiters_.at(ticket).hope = now;
    waiters_.at(ticket).refused_since.reset();
  }
}

void LeaseDesk::request_over(const Request& request) {
  const auto waiter = waiters_.find(request.ticket);
  if (waiter != waiters_.end()) waiter->second.asked = false;
}

void LeaseDesk::refused(const wire::Refused& refusal) {
  const auto found = requests_.find(refusal.request);
  if (found == requests_.end()) return;
  const Request request = found->second;
  requests_.erase(found);
  request_over(request);
  const TimePoint again = reactor_.now() + kAskAgain;
  const auto own = waiters_.find(request.ticket);
  if (own != waiters_.end()) own->second.ask_after = again;
  if (const auto kin = kin_.find(request.key); request.ticket == 0 && kin != kin_.end()) {
    kin->second.ask_after = again;
  }
  log_.debug("request_refused",
             {{"request", refusal.request}, {"code", refusal.code}, {"reason", refusal.reason}});
  const Errc code = errc_of(refusal.code);
  // Slots were only not free in time, or too many wait: whoever has patience left asks again.
  const bool later = code == Errc::timed_out || code == Errc::resource_exhausted;
  if (later) {
    for (const auto ticket : waiters_of(request)) waiters_.at(ticket).refused_since.reset();
  } else {
    note_refusal(request, Error{code, refusal.reason});
    end_refused(request, Error{code, refusal.reason});
  }
  pump();
}

// Those that the request was made for.
std::vector<LeaseDesk::Ticket> LeaseDesk::waiters_of(const Request& request) const {
  std::vector<Ticket> tickets;
  for (const auto& [ticket, waiter] : waiters_) {
    const bool meant = request.ticket == 0
                           ? waiter.key == request.key && waiter.wish.excluded.empty()
                           : ticket == request.ticket;
    if (meant) tickets.push_back(ticket);
  }
  return tickets;
}

// Others like him may be served all the while, by the very node that he excludes: so his patience,
// which counts from the last of them, need not end.
void LeaseDesk::note_refusal(const Request& request, const Error& error) {
  const TimePoint now = reactor_.now();
  for (const auto ticket : waiters_of(request)) {
    Waiter& waiter = waiters_.at(ticket);
    waiter.refusal = error;
    if (!waiter.refused_since) waiter.refused_since = now;
    const bool others_may_come = now < *waiter.refused_since + kOthersGrace;
    if (!waiter.wish.insists || others_may_come) continue;
    waiter.wish.excluded.clear();
    join_kin(waiter.key, waiter.wish);  // which whoever excludes does not keep
  }
}

std::map<LeaseKey, std::uint32_t> LeaseDesk::waiting_for_any() const {
  std::map<LeaseKey, std::uint32_t> waiting;
  for (const auto& [ticket, waiter] : waiters_) {
    if (waiter.wish.excluded.empty()) ++waiting[waiter.key];
  }
  return waiting;
}

std::optional<TimePoint> LeaseDesk::withdraw(TimePoint now) {
  std::optional<TimePoint> next;
  if (requests_.empty()) return next;
  const auto waiting = waiting_for_any();
  std::map<LeaseKey, bool> wanted;  // each looks through all leases, so once a key
  const auto is_wanted = [&](const Request& request) {
    if (request.ticket != 0) return waiters_.contains(request.ticket);
    const auto [known, is_new] = wanted.try_emplace(request.key, false);
    const auto found = waiting.find(request.key);
    const std::uint32_t count = found == waiting.end() ? 0 : found->second;
    if (is_new) known->second = book_.wanted(request.key, count, 0, now) > 0;
    return known->second;
  };
  for (auto at = requests_.begin(); at != requests_.end();) {
    Request& request = at->second;
    if (is_wanted(request)) {
      request.unwanted_since.reset();
    } else if (!request.unwanted_since) {
      request.unwanted_since = now;
    }
    if (!request.unwanted_since || now < *request.unwanted_since + kKeepRequest) {
      if (request.unwanted_since)
        next = std::min(next.value_or(TimePoint::max()), *request.unwanted_since + kKeepRequest);
      ++at;
      continue;
    }
    static_cast<void>(farm_.send(wire::AcquireCancel{at->first}));
    at = requests_.erase(at);
  }
  return next;
}

void LeaseDesk::farm_changed() {
  if (!farm_.usable()) farm_lost_ = reactor_.now();
  for (const auto& [id, request] : requests_) request_over(request);
  requests_.clear();
  pump();
}

void LeaseDesk::end(Ticket ticket, const Error& error) {
  auto node = waiters_.extract(ticket);
  if (node) node.mapped().done(fail(error));
}

void LeaseDesk::end_refused(const Request& request, const Error& error) {
  const TimePoint now = reactor_.now();
  // Waiting changes neither the wish, nor a pool that is broken until it is told to try again or
  // whose labels no node has.
  const bool never = error.code == Errc::invalid_argument ||
                     error.code == Errc::permission_denied || error.code == Errc::unsupported;
  std::vector<Ticket> due;
  for (const auto ticket : waiters_of(request)) {
    const auto& waiter = waiters_.at(ticket);
    const Duration patience = waiter.wish.farm_patience;
    const bool waits =
        waiter.wish.insists && (patience == Duration{} || now < waits_since(waiter) + patience);
    if (never || !waits) due.push_back(ticket);
  }
  for (const auto ticket : due) end(ticket, error);
}

TimePoint LeaseDesk::waits_since(const Waiter& waiter) const {
  if (!waiter.wish.insists) return waiter.begun;
  const auto kin = kin_.find(waiter.key);
  return std::max({waiter.begun, waiter.hope, kin == kin_.end() ? TimePoint{} : kin->second.hope});
}

TimePoint LeaseDesk::deadline_of(const Waiter& waiter) const {
  const TimePoint since = waits_since(waiter);
  const TimePoint at = since + waiter.wish.patience;
  if (farm_.usable()) return at;
  if (!waiter.wish.insists) return std::min(at, std::max(since, farm_lost_ + kConnectGrace));
  if (farm_.kept_out()) return std::min(at, waiter.begun + kListGrace);
  if (waiter.wish.farm_patience == Duration{}) return at;
  return std::min(at, std::max(since, farm_lost_) + waiter.wish.farm_patience);
}

TimePoint LeaseDesk::asks_after(const Waiter& waiter) const {
  if (!waiter.wish.excluded.empty()) return waiter.ask_after;
  const auto kin = kin_.find(waiter.key);
  return kin == kin_.end() ? TimePoint{} : kin->second.ask_after;
}

Error LeaseDesk::why_in_vain(const Waiter& waiter) const {
  if (!farm_.usable()) return Error{Errc::unavailable, farm_.why_not()};
  if (waiter.refused_since && waiter.refusal) return *waiter.refusal;
  return Error{Errc::timed_out, "no slot came free in time"};
}

// Waiters end at their deadline, or soon when there is no coordinator; idle leases are given back.
void LeaseDesk::arm() {
  const TimePoint now = reactor_.now();
  std::vector<std::pair<Ticket, Error>> due;
  std::optional<TimePoint> next = book_.next_deadline();
  for (const auto& [ticket, waiter] : waiters_) {
    const TimePoint at = deadline_of(waiter);
    if (now >= at) {
      due.emplace_back(ticket, why_in_vain(waiter));
    } else {
      next = next ? std::min(*next, at) : at;
      if (const auto again = asks_after(waiter); again > now) next = std::min(*next, again);
    }
  }
  for (const auto& [ticket, error] : due) end(ticket, error);
  release(book_.idle(now));
  if (const auto at = withdraw(now)) next = next ? std::min(*next, *at) : *at;
  if (timer_ != 0) reactor_.cancel(std::exchange(timer_, 0));
  if (!next) return;
  timer_ = reactor_.call_at(std::max(*next, now + milliseconds(1)), [this] {
    timer_ = 0;
    pump();
  });
}

}  // namespace kiln::client
