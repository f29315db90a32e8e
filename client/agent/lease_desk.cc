#include "client/agent/lease_desk.h"

#include <algorithm>
#include <utility>

namespace kiln::client {
namespace {

// How long a call waits for a first connection to a coordinator, and for a lost one to come back.
constexpr Duration kConnectGrace = milliseconds(800);
// How soon a refused request is made again for whoever insists.
constexpr Duration kAskAgain = milliseconds(250);

}  // namespace

LeaseDesk::LeaseDesk(net::Reactor& reactor, FarmLink& farm, BookPolicy policy)
    : reactor_(reactor), farm_(farm), book_(policy), started_(reactor.now()) {}

LeaseDesk::~LeaseDesk() {
  if (timer_ != 0) reactor_.cancel(timer_);
}

LeaseDesk::Ticket LeaseDesk::wait(LeaseWish wish, Done done) {
  const Ticket ticket = ++last_ticket_;
  const TimePoint deadline = reactor_.now() + wish.patience;
  LeaseWish common = wish;
  common.excluded.clear();
  last_wish_.insert_or_assign(wish.toolchain, std::move(common));
  waiters_.emplace(ticket, Waiter{std::move(wish), std::move(done), deadline});
  pump();
  return ticket;
}

void LeaseDesk::forget(Ticket ticket) {
  waiters_.erase(ticket);
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
  if (!leases.empty()) static_cast<void>(farm_.send(wire::Release{leases}));
}

// Deferred, so that nobody is called back from within a call, and so that the calls that arrive
// together are asked for together.
void LeaseDesk::pump() {
  if (std::exchange(pump_due_, true)) return;
  reactor_.defer([this] {
    pump_due_ = false;
    serve();
    arm();
  });
}

std::uint32_t LeaseDesk::asked(const Digest& toolchain) const {
  std::uint32_t open = 0;
  for (const auto& [id, request] : requests_) {
    if (request.toolchain == toolchain && request.ticket == 0) open += request.open;
  }
  return open;
}

void LeaseDesk::serve() {
  const TimePoint now = reactor_.now();
  std::vector<std::pair<Done, HeldLease>> served;
  std::map<Digest, std::uint32_t> waiting;
  for (auto at = waiters_.begin(); at != waiters_.end();) {
    Waiter& waiter = at->second;
    auto lease = book_.take(waiter.wish.toolchain, waiter.wish.excluded, now);
    if (lease) {
      served.emplace_back(std::move(waiter.done), std::move(*lease));
      at = waiters_.erase(at);
      continue;
    }
    if (waiter.wish.excluded.empty()) ++waiting[waiter.wish.toolchain];
    ++at;
  }
  if (farm_.usable() && now >= ask_after_) ask_for_waiters(waiting);
  for (auto& [done, lease] : served) done(std::move(lease));
}

// Those that share their wish are asked for together; a waiter with exclusions asks for itself.
void LeaseDesk::ask_for_waiters(const std::map<Digest, std::uint32_t>& waiting) {
  const TimePoint now = reactor_.now();
  for (const auto& [toolchain, wish] : last_wish_) {
    const auto found = waiting.find(toolchain);
    const std::uint32_t without = found == waiting.end() ? 0 : found->second;
    const auto count = book_.wanted(toolchain, without, asked(toolchain), now);
    if (count > 0) ask(wish, count, 0);
  }
  for (auto& [ticket, waiter] : waiters_) {
    if (waiter.wish.excluded.empty() || waiter.asked) continue;
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
  if (farm_.send(acquire)) requests_[acquire.request] = {wish.toolchain, count, ticket};
}

void LeaseDesk::granted(const wire::Grant& grant) {
  const auto found = requests_.find(grant.request);
  const TimePoint now = reactor_.now();
  if (found == requests_.end()) {
    std::vector<LeaseId> unwanted;
    for (const auto& lease : grant.leases) unwanted.push_back(lease.lease.id);
    return release(unwanted);
  }
  for (const auto& lease : grant.leases) {
    book_.add(found->second.toolchain,
              {lease.lease, lease.task_address, lease.bulk_address, lease.toolchain_sources}, now);
    if (found->second.open > 0) --found->second.open;
  }
  if (found->second.open == 0) {
    request_over(found->second);
    requests_.erase(found);
  }
  pump();
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
  ask_after_ = reactor_.now() + kAskAgain;
  const Errc code = errc_of(refusal.code);
  // Slots were only not free in time: whoever has patience left asks again.
  if (code != Errc::timed_out) end_refused(request, Error{code, refusal.reason});
  pump();
}

void LeaseDesk::farm_changed() {
  for (const auto& [id, request] : requests_) request_over(request);
  requests_.clear();
  pump();
}

void LeaseDesk::end(Ticket ticket, const Error& error) {
  auto node = waiters_.extract(ticket);
  if (node) node.mapped().done(fail(error));
}

void LeaseDesk::end_refused(const Request& request, const Error& error) {
  std::vector<Ticket> due;
  for (const auto& [ticket, waiter] : waiters_) {
    const bool meant = request.ticket == 0 ? waiter.wish.toolchain == request.toolchain &&
                                                 waiter.wish.excluded.empty()
                                           : ticket == request.ticket;
    if (meant && !waiter.wish.insists) due.push_back(ticket);
  }
  for (const auto ticket : due) end(ticket, error);
}

// Waiters end at their deadline, or soon when there is no coordinator; idle leases are given back.
void LeaseDesk::arm() {
  const TimePoint now = reactor_.now();
  std::vector<std::pair<Ticket, Error>> due;
  std::optional<TimePoint> next = book_.next_deadline();
  for (const auto& [ticket, waiter] : waiters_) {
    TimePoint at = waiter.deadline;
    const TimePoint begun = waiter.deadline - waiter.wish.patience;
    if (!farm_.usable() && !waiter.wish.insists)
      at = std::min(at, std::max(begun, started_ + kConnectGrace));
    if (now >= at) {
      due.emplace_back(ticket, farm_.usable() ? Error{Errc::timed_out, "no slot came free in time"}
                                              : Error{Errc::unavailable, farm_.why_not()});
    } else {
      next = next ? std::min(*next, at) : at;
    }
  }
  for (const auto& [ticket, error] : due) end(ticket, error);
  if (!waiters_.empty() && ask_after_ > now) next = next ? std::min(*next, ask_after_) : ask_after_;
  release(book_.idle(now));
  if (timer_ != 0) reactor_.cancel(std::exchange(timer_, 0));
  if (!next) return;
  timer_ = reactor_.call_at(std::max(*next, now + milliseconds(1)), [this] {
    timer_ = 0;
    pump();
  });
}

}  // namespace kiln::client
