// Pools in the farm: who tells whom what, who changes them, and what must hold of them.
#include <algorithm>

#include "common/model/newer_definition.h"
#include "coordinator/pools/node_selector.h"
#include "tests/simulation/model_farm.h"

namespace kiln::simulation {
namespace {

constexpr const char* kSteady = "steady";
// After the last fault, until all must agree.
constexpr Duration kSettled = seconds(30);

bool selects(const PoolDefinition& definition, const NodeInfo& node) {
  const auto selector = coordinator::NodeSelector::parse(definition.spec.nodes);
  return !definition.deleted && selector && selector->matches(node);
}

PoolSpec steady_spec() {
  PoolSpec spec;
  spec.name = kSteady;
  spec.nodes = {"zone=a"};
  spec.min_warm = 7;
  return spec;
}

}  // namespace

// ---- Connections -------------------------------------------------------------------------------

ModelFarm::Link& ModelFarm::link(std::size_t index, const ModelWorker& worker) {
  return links_[{index, worker.info().name}];
}

void ModelFarm::end_link(std::size_t index, ModelWorker& worker) {
  auto& ended = link(index, worker);
  ++ended.number;
  ended.welcomed = false;
}

void ModelFarm::send_in_order(std::size_t index, ModelWorker& worker, bool to_worker,
                              const std::function<void()>& deliver) {
  auto& on = link(index, worker);
  if (world_.random.chance(scenario_.faults.loss)) {
    end_link(index, worker);
    const coordinator::Event gone =
        coordinator::WorkerGone{worker.info().name, worker.info().epoch, "closed"};
    world_.after(world_.delay(), [this, index, gone] { feed(index, gone); });
    return;
  }
  auto& last = to_worker ? on.to_worker : on.to_coordinator;
  last = std::max(last, world_.now() + world_.delay());
  world_.at(last, [this, index, &worker, number = on.number, deliver] {
    if (link(index, worker).number == number) deliver();
  });
}

void ModelFarm::welcome(std::size_t index, const std::string& name) {
  auto* worker = by_name_.at(name);
  send_in_order(index, *worker, true, [this, index, worker] {
    if (!worker->alive()) return;
    link(index, *worker).welcomed = true;
    send_report(index, *worker, worker->pools.report_all(worker->info(), index));
  });
}

void ModelFarm::send_orders(std::size_t index, const coordinator::WorkerOrders& orders) {
  auto* worker = by_name_.at(orders.worker);
  send_in_order(index, *worker, true,
                [this, index, epoch = coordinators_[index].epoch, worker, orders] {
                  obey(index, epoch, *worker, orders);
                });
}

void ModelFarm::obey(std::size_t index, std::uint64_t epoch, ModelWorker& worker,
                     const coordinator::WorkerOrders& orders) {
  if (!worker.alive()) return;
  const auto changed = worker.pools.take(index, epoch, orders);
  for (const auto& name : changed) {
    const auto& definition = worker.pools.pools().at(name).definition;
    const auto held = held_.emplace(name, definition).first;
    if (kiln::counts_before(definition, held->second)) held->second = definition;
  }
  std::vector<std::string> ordered;
  for (const auto& order : orders.orders) ordered.push_back(order.definition.spec.name);
  send_report(index, worker, worker.pools.report(worker.info(), index, ordered));
  if (changed.empty()) return;
  const auto wait = milliseconds(1 + static_cast<int>(world_.random.below(300)));
  world_.after(wait, [this, &worker, changed, life = worker.info().epoch] {
    if (!worker.alive() || worker.info().epoch != life) return;
    for (std::size_t i = 0; i < coordinators_.size(); ++i) {
      if (!link(i, worker).welcomed) continue;
      send_report(i, worker, worker.pools.report(worker.info(), i, changed));
    }
  });
}

void ModelFarm::send_report(std::size_t index, ModelWorker& worker,
                            coordinator::WorkerReport report) {
  send_in_order(index, worker, false, [this, index, report = std::move(report)] {
    auto& place = coordinators_[index];
    if (place.alive) take_all(index, place.core->reported(moment(), report));
  });
}

// ---- Changes -----------------------------------------------------------------------------------

void ModelFarm::change_pool(std::size_t index, const coordinator::PoolRequest& request) {
  auto& place = coordinators_[index];
  if (!place.alive) return;
  auto changed = place.core->change(moment(), request);
  if (!changed) return;  // refused, as it may be
  ++outcome_.pool_changes;
  take_all(index, changed->outputs);
}

void ModelFarm::change_some_pool() {
  using coordinator::PoolAction;
  static constexpr PoolAction kActions[] = {
      PoolAction::create,  PoolAction::create, PoolAction::warm,  PoolAction::wake,
      PoolAction::quiesce, PoolAction::resize, PoolAction::remove};
  coordinator::PoolRequest request;
  request.action = kActions[world_.random.below(std::size(kActions))];
  request.spec.name = "p" + std::to_string(world_.random.below(5));
  request.count = static_cast<std::uint32_t>(1 + world_.random.below(8));
  if (request.action == PoolAction::create) {
    request.spec.executors = request.count;
    request.spec.min_warm = static_cast<std::uint32_t>(world_.random.below(20));
    static constexpr const char* kTerms[] = {"zone=a", "!zone=a", "name=node3"};
    if (world_.random.chance(0.7)) request.spec.nodes = {kTerms[world_.random.below(3)]};
  }
  change_pool(world_.random.below(coordinators_.size()), request);
}

// The pool that clients work in is made again where a coordinator lost it before any worker had
// heard of it.
void ModelFarm::keep_steady_pool() {
  coordinator::PoolRequest request;
  request.spec = steady_spec();
  change_pool(0, request);
  if (world_.now() > scenario_.calm) return;
  world_.after(seconds(5), [this] { keep_steady_pool(); });
}

// ---- What must hold ----------------------------------------------------------------------------

void ModelFarm::check_grant(std::size_t index, const coordinator::GrantedSlot& slot) {
  if (slot.lease.pool == kDefaultPool) return;
  const auto definition = coordinators_[index].core->keeper().catalog().find(slot.lease.pool);
  const auto& node = by_name_.at(slot.lease.worker)->info();
  if (definition == nullptr || !selects(*definition, node)) ++outcome_.violations;
}

bool ModelFarm::finished() const {
  const bool settled =
      scenario_.pool_change == Duration::zero() || world_.now() >= scenario_.calm + kSettled;
  return settled && all_finished();
}

void ModelFarm::check_pools() {
  std::map<std::string, PoolDefinition> agreed;
  for (const auto& definition : coordinators_.front().core->keeper().catalog().all()) {
    agreed[definition->spec.name] = *definition;
  }
  const auto differs = [&](const std::string& who, const PoolDefinition& theirs) {
    const auto found = agreed.find(theirs.spec.name);
    if (found != agreed.end() && found->second == theirs) return;
    outcome_.pool_problems.push_back(who + " has another " + theirs.spec.name + ", version " +
                                     std::to_string(theirs.version));
  };
  for (std::size_t i = 1; i < coordinators_.size(); ++i) {
    for (const auto& one : coordinators_[i].core->keeper().catalog().all()) {
      differs("coordinator " + std::to_string(i), *one);
    }
  }
  for (const auto& worker : workers_) {
    for (const auto& entry : worker->pools.pools()) {
      differs(worker->info().name, entry.second.definition);
    }
  }
  for (const auto& [name, held] : held_) {
    const auto found = agreed.find(name);
    if (found == agreed.end() || kiln::counts_before(held, found->second)) {
      outcome_.pool_problems.push_back(name + " fell back from version " +
                                       std::to_string(held.version));
    }
  }
  for (const auto& entry : agreed) {
    check_spread(entry.second);
    if (!entry.second.deleted) check_taken_up(entry.first);
  }
}

// No answer to a change may still be held, in any coordinator.
void ModelFarm::check_taken_up(const std::string& pool) {
  for (std::size_t i = 0; i < coordinators_.size(); ++i) {
    const auto& keeper = coordinators_[i].core->keeper();
    for (const auto& [worker, order] : keeper.awaited(pool)) {
      if (keeper.took_up(worker, pool, order)) continue;
      outcome_.pool_problems.push_back(worker + " did not say to coordinator " + std::to_string(i) +
                                       " that it took up " + pool);
    }
  }
}

void ModelFarm::check_spread(const PoolDefinition& definition) {
  std::uint32_t most = 0;
  std::map<std::size_t, std::uint32_t> kept;
  for (const auto& worker : workers_) {
    const auto found = worker->pools.pools().find(definition.spec.name);
    const bool selected = found != worker->pools.pools().end() && found->second.selected;
    if (selected != selects(definition, worker->info())) {
      outcome_.pool_problems.push_back(worker->info().name + " is wrong about being selected by " +
                                       definition.spec.name);
    }
    if (!selected) continue;
    most += definition.spec.executors > 0 ? definition.spec.executors : worker->info().slots;
    for (const auto& [index, ready] : found->second.keep_ready) kept[index] += ready;
  }
  const auto wanted = std::min(definition.deleted ? 0 : definition.spec.min_warm, most);
  for (std::size_t i = 0; i < coordinators_.size(); ++i) {
    if (kept[i] == wanted) continue;
    outcome_.pool_problems.push_back("coordinator " + std::to_string(i) + " keeps " +
                                     std::to_string(kept[i]) + " of " + definition.spec.name +
                                     ", not " + std::to_string(wanted));
  }
}

}  // namespace kiln::simulation
