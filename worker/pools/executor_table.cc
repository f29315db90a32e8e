#include "worker/pools/executor_table.h"

#include <algorithm>
#include <utility>

namespace kiln::worker {

ExecutorTable::ExecutorTable(NodeFacts node, PoolPolicy policy)
    : node_(std::move(node)), policy_(policy) {}

void ExecutorTable::start(TimePoint now, PoolActions& out) {
  const auto made = pools_.try_emplace(kDefaultPool, kDefaultPool, policy_, next_place_);
  made.first->second.configure(settings_of(default_terms(node_.slots), node_), now, out);
}

PoolExecutors* ExecutorTable::find(const std::string& pool) {
  const auto found = pools_.find(pool);
  return found == pools_.end() ? nullptr : &found->second;
}

const PoolExecutors* ExecutorTable::find(const std::string& pool) const {
  const auto found = pools_.find(pool);
  return found == pools_.end() ? nullptr : &found->second;
}

PoolExecutors* ExecutorTable::owner(PlaceId place) {
  for (auto& [name, pool] : pools_) {
    if (pool.owns(place)) return &pool;
  }
  return nullptr;
}

void ExecutorTable::configure(const PoolTerms& terms, TimePoint now, PoolActions& out) {
  const std::string& name = terms.definition.spec.name;
  if (name == kDefaultPool) return;
  const PoolSettings settings = settings_of(terms, node_);
  auto* pool = find(name);
  if (pool == nullptr && !settings.present) return;
  if (pool == nullptr) pool = &pools_.try_emplace(name, name, policy_, next_place_).first->second;
  pool->configure(settings, now, out);
  drop_gone(out);
}

void ExecutorTable::drop_gone(PoolActions& out) {
  for (auto at = pools_.begin(); at != pools_.end();) {
    const bool gone = at->second.gone();
    if (gone) out.emplace_back(PoolChanged{at->first});
    at = gone ? pools_.erase(at) : std::next(at);
  }
}

void ExecutorTable::warm(const std::string& name, std::uint32_t count, TimePoint now,
                         PoolActions& out) {
  auto* pool = name == kDefaultPool ? nullptr : find(name);
  if (pool != nullptr && pool->settings().present) pool->warm(count, now, out);
}

void ExecutorTable::quiesce(const std::string& name, TimePoint now, PoolActions& out) {
  auto* pool = name == kDefaultPool ? nullptr : find(name);
  if (pool != nullptr && pool->settings().present) pool->quiesce(now, out);
}

std::optional<std::string> ExecutorTable::refusal(const std::string& name) const {
  const auto* pool = find(name);
  if (pool == nullptr || !pool->settings().present) return "no_pool";
  if (!pool->broken()) return std::nullopt;
  return name == kDefaultPool ? "broken" : "pool_broken";
}

std::string ExecutorTable::explain(const std::string& name) const {
  const auto* pool = find(name);
  if (name == kDefaultPool) return "every executor of the worker is broken";
  if (pool == nullptr || !pool->settings().present) {
    return "the pool " + name + " is no longer on this node";
  }
  return "the pool " + name + " is broken on this node: " + pool->reason();
}

std::uint32_t ExecutorTable::demand(const std::string& name) const {
  const auto* pool = find(name);
  return pool == nullptr ? 0 : pool->demand();
}

std::uint32_t ExecutorTable::capacity(const std::string& name) const {
  const auto* pool = find(name);
  return pool == nullptr ? 0 : pool->settings().capacity;
}

bool ExecutorTable::task_came(const std::string& name, TimePoint now, PoolActions& out) {
  auto* pool = find(name);
  return pool != nullptr && pool->task_came(now, out);
}

void ExecutorTable::task_left(const std::string& name, TimePoint now, PoolActions& out) {
  auto* pool = find(name);
  if (pool == nullptr) return;
  pool->task_left(now, out);
  drop_gone(out);
}

std::optional<PoolExecutors::Taken> ExecutorTable::take(const std::string& name) {
  auto* pool = find(name);
  return pool == nullptr ? std::nullopt : pool->take();
}

void ExecutorTable::release(PlaceId place, bool works, TimePoint now) {
  if (auto* pool = owner(place)) pool->release(place, works, now);
}

WarmCounters* ExecutorTable::counters(const std::string& name) {
  auto* pool = find(name);
  return pool == nullptr ? nullptr : &pool->counters();
}

void ExecutorTable::executor_ready(PlaceId place, TimePoint now, PoolActions& out) {
  if (auto* pool = owner(place)) pool->executor_ready(place, now, out);
}

void ExecutorTable::initialised(PlaceId place, const InitialiserEnd& end, TimePoint now,
                                PoolActions& out) {
  if (auto* pool = owner(place)) pool->initialised(place, end, now, out);
}

void ExecutorTable::executor_begun(PlaceId place, TimePoint now) {
  if (auto* pool = owner(place)) pool->executor_begun(place, now);
}

void ExecutorTable::staging_failed(const std::string& name, const std::string& reason, bool lasting,
                                   TimePoint now, PoolActions& out) {
  if (auto* pool = find(name)) pool->staging_failed(reason, lasting, now, out);
}

void ExecutorTable::staged(const std::string& name, TimePoint now, PoolActions& out) {
  if (auto* pool = find(name)) pool->staged(now, out);
}

void ExecutorTable::executor_lost(PlaceId place, const std::string& reason, TimePoint now,
                                  PoolActions& out) {
  if (auto* pool = owner(place)) pool->executor_lost(place, reason, now, out);
  drop_gone(out);
}

void ExecutorTable::executor_stopped(PlaceId place, TimePoint now, PoolActions& out) {
  if (auto* pool = owner(place)) pool->executor_stopped(place, now, out);
  drop_gone(out);
}

void ExecutorTable::template_ready(const std::string& name, TimePoint now, PoolActions& out) {
  if (auto* pool = find(name)) pool->template_ready(now, out);
}

void ExecutorTable::template_lost(const std::string& name, const std::string& reason, TimePoint now,
                                  PoolActions& out) {
  if (auto* pool = find(name)) pool->template_lost(reason, now, out);
  drop_gone(out);
}

void ExecutorTable::tick(TimePoint now, PoolActions& out) {
  for (auto& [name, pool] : pools_) {
    const auto deadline = pool.next_deadline();
    if (deadline && now >= *deadline) pool.tick(now, out);
  }
  drop_gone(out);
}

std::optional<TimePoint> ExecutorTable::next_deadline() const {
  std::optional<TimePoint> next;
  for (const auto& [name, pool] : pools_) {
    const auto at = pool.next_deadline();
    if (at) next = next ? std::min(*next, *at) : *at;
  }
  return next;
}

std::vector<std::string> ExecutorTable::names() const {
  std::vector<std::string> all;
  for (const auto& [name, pool] : pools_) all.push_back(name);
  return all;
}

PoolOnNode ExecutorTable::status(const std::string& name) const {
  if (const auto* pool = find(name)) return pool->status();
  PoolOnNode none;
  none.name = name;
  return none;
}

PoolExecutors::Counts ExecutorTable::counts(const std::string& name) const {
  const auto* pool = find(name);
  return pool == nullptr ? PoolExecutors::Counts{} : pool->counts();
}

std::uint32_t ExecutorTable::ready() const {
  std::uint32_t sum = 0;
  for (const auto& [name, pool] : pools_) sum += pool.counts().ready;
  return sum;
}

bool ExecutorTable::default_is_broken() const {
  const auto* pool = find(kDefaultPool);
  return pool != nullptr && pool->all_broken();
}

}  // namespace kiln::worker
