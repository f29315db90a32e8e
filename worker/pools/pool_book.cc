#include "worker/pools/pool_book.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/model/newer_definition.h"

namespace kiln::worker {
namespace {

constexpr std::uint64_t kTombstoneSeconds = std::uint64_t{30} * 24 * 3600;

bool is_over(const PoolDefinition& definition, std::uint64_t now_s) {
  return definition.deleted && definition.changed_s + kTombstoneSeconds <= now_s;
}

template <typename Value>
void append_new(std::vector<Value>& to, const std::vector<Value>& from) {
  for (const auto& value : from) {
    if (std::find(to.begin(), to.end(), value) == to.end()) to.push_back(value);
  }
}

}  // namespace

bool PoolBook::merge(const PoolDefinition& definition, std::uint64_t now_s) {
  const std::string& name = definition.spec.name;
  if (name.empty() || name == kDefaultPool || is_over(definition, now_s)) return false;
  const auto [known, is_new] = definitions_.try_emplace(name, definition);
  if (is_new) return true;
  if (!counts_before(definition, known->second)) return false;
  known->second = definition;
  return true;
}

bool PoolBook::expire(std::uint64_t now_s) {
  return std::erase_if(definitions_,
                       [now_s](const auto& item) { return is_over(item.second, now_s); }) > 0;
}

void PoolBook::learn(const std::vector<PoolDefinition>& definitions, std::uint64_t now_s) {
  for (const auto& definition : definitions) merge(definition, now_s);
}

PoolBook::Changes PoolBook::apply(const Coordinator& from, std::uint64_t epoch, bool complete,
                                  const std::vector<PoolOrder>& orders, std::uint64_t now_s) {
  std::set<std::string> touched;
  for (const auto& order : orders) touched.insert(order.definition.spec.name);
  Orders& known = coordinators_[from];
  known.gone_since_s.reset();
  for (const auto& [name, order] : known.orders) touched.insert(name);
  std::map<std::string, PoolTerms> before;
  for (const auto& name : touched) before[name] = terms(name);

  if (known.epoch != epoch) known = {epoch, {}, {}, std::nullopt};
  if (complete) known.orders.clear();
  Changes changes;
  changes.definitions = expire(now_s);
  for (const auto& order : orders) {
    const std::string& name = order.definition.spec.name;
    changes.definitions |= merge(order.definition, now_s);
    known.orders[name] = order;
    auto& carried_out = known.carried_out[name];
    if (order.wish_number <= carried_out) continue;
    carried_out = order.wish_number;
    if (order.wish != PoolWish::none) changes.wishes.push_back({name, order.wish, order.warm});
  }
  for (const auto& name : touched) {
    if (terms(name) != before[name]) changes.terms.push_back(name);
  }
  return changes;
}

void PoolBook::here(const Coordinator& coordinator) {
  const auto known = coordinators_.find(coordinator);
  if (known != coordinators_.end()) known->second.gone_since_s.reset();
}

void PoolBook::gone(const Coordinator& coordinator, std::uint64_t now_s) {
  const auto known = coordinators_.find(coordinator);
  if (known == coordinators_.end() || known->second.gone_since_s) return;
  known->second.gone_since_s = now_s;
}

std::vector<std::string> PoolBook::forget_gone(std::uint64_t now_s) {
  std::map<std::string, PoolTerms> before;
  std::vector<Coordinator> dead;
  for (const auto& [name, known] : coordinators_) {
    if (!known.gone_since_s || *known.gone_since_s + kOrdersLastSeconds > now_s) continue;
    for (const auto& [pool, order] : known.orders) before.try_emplace(pool, terms(pool));
    dead.push_back(name);
  }
  for (const auto& name : dead) coordinators_.erase(name);
  std::vector<std::string> changed;
  for (const auto& [pool, terms_before] : before) {
    if (terms(pool) != terms_before) changed.push_back(pool);
  }
  return changed;
}

std::uint64_t PoolBook::order_number(const Coordinator& coordinator, std::uint64_t epoch,
                                     const std::string& pool) const {
  const auto known = coordinators_.find(coordinator);
  if (known == coordinators_.end() || known->second.epoch != epoch) return 0;
  const auto order = known->second.orders.find(pool);
  return order == known->second.orders.end() ? 0 : order->second.number;
}

PoolTerms PoolBook::terms(const std::string& pool) const {
  PoolTerms terms;
  const auto known = definitions_.find(pool);
  if (known != definitions_.end()) terms.definition = known->second;
  terms.definition.spec.name = pool;
  for (const auto& [name, coordinator] : coordinators_) {
    const auto found = coordinator.orders.find(pool);
    if (found == coordinator.orders.end()) continue;
    const PoolOrder& order = found->second;
    append_new(terms.stage, order.stage);
    append_new(terms.sources, order.sources);
    // Who does not know the definition in force has selected by another one.
    if (!order.selected || order.definition.version != terms.definition.version) continue;
    terms.selected = known != definitions_.end() && !terms.definition.deleted;
    terms.keep_ready = std::max(terms.keep_ready, order.keep_ready);
  }
  return terms;
}

std::vector<PoolDefinition> PoolBook::definitions() const {
  std::vector<PoolDefinition> all;
  for (const auto& [name, definition] : definitions_) all.push_back(definition);
  return all;
}

}  // namespace kiln::worker
