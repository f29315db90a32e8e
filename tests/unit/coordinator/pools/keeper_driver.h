// A keeper of pools under test: plays the nodes, the clients and the clock.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "coordinator/pools/keeper.h"

namespace kiln::coordinator {

class KeeperDriver {
 public:
  static constexpr std::uint32_t kSlots = 8;
  static constexpr std::uint64_t kEpoch = 77;

  KeeperDriver() { moment.unix_s = 1'000'000 * 60; }

  static PoolSpec spec(const std::string& name, std::uint32_t executors = 0) {
    PoolSpec out;
    out.name = name;
    out.executors = executors;
    return out;
  }
  static PoolRequest request(PoolAction action, const std::string& name, std::uint32_t count = 0) {
    return {action, spec(name), count, false};
  }
  static PoolOnNode standing(const std::string& name, std::uint64_t version, PoolState state) {
    PoolOnNode out;
    out.name = name;
    out.version = version;
    out.state = state;
    return out;
  }

  void create(const PoolSpec& wanted) {
    PoolRequest made{PoolAction::create, wanted, 0, false};
    ASSERT_TRUE(keeper.change(made, moment));
  }

  // ---- Nodes
  void join(const std::string& name, std::vector<std::pair<std::string, std::string>> labels = {}) {
    NodeInfo info;
    info.name = name;
    info.epoch = 1;
    info.slots = kSlots;
    info.architecture = "x86_64";
    info.bulk_address = "tcp://" + name;
    info.labels = std::move(labels);
    auto& node = nodes_[name];
    node.info = std::make_shared<const NodeInfo>(std::move(info));
    node.occupancy = std::make_shared<const Occupancy>();
    keeper.joined(node, moment);
  }
  // Joins and has been told everything.
  void meet(const std::string& name, std::vector<std::pair<std::string, std::string>> labels = {}) {
    join(name, std::move(labels));
    report(name, true, {});
    collect();
    out.orders.clear();
  }
  void report(const std::string& name, bool complete, std::vector<PoolOnNode> pools,
              std::vector<PoolDefinition> definitions = {}) {
    keeper.reported({name, 1, complete, std::move(pools), std::move(definitions)}, moment);
  }
  // What a node says of one pool that numbers what it reflects.
  void reflect(const std::string& name, PoolOnNode pool, std::uint64_t order,
               std::uint64_t epoch = kEpoch) {
    pool.order = order;
    keeper.reported({name, 1, false, {std::move(pool)}, {}, epoch}, moment);
  }
  void set_state(const std::string& name, NodeState state) {
    nodes_.at(name).state = state;
    keeper.seen(nodes_.at(name), moment);
  }
  void stage(const std::string& name, std::vector<Digest> toolchains) {
    Occupancy occupancy;
    occupancy.toolchains = std::move(toolchains);
    nodes_.at(name).occupancy = std::make_shared<const Occupancy>(std::move(occupancy));
    keeper.seen(nodes_.at(name), moment);
  }

  // ---- Time
  void set_clock(WeekTime week) { moment.week = week; }
  void pass(Duration time) {
    moment.now += time;
    const auto before = moment.unix_s;
    moment.unix_s += static_cast<std::uint64_t>(in_seconds(time));
    auto minutes = moment.week.minute + (moment.unix_s / 60 - before / 60);
    moment.week.weekday =
        static_cast<std::uint8_t>((moment.week.weekday + minutes / kMinutesOfDay) % 7);
    moment.week.minute = static_cast<std::uint32_t>(minutes % kMinutesOfDay);
    keeper.tick(moment);
  }

  // ---- What came out
  void collect() {
    auto more = keeper.take();
    for (auto& one : more.orders) {
      for (const auto& order : one.orders) {
        last_[{one.worker, order.definition.spec.name}] = order;
      }
      out.orders.push_back(std::move(one));
    }
    for (auto& one : more.selections) out.selections.push_back(std::move(one));
    out.definitions_changed = out.definitions_changed || more.definitions_changed;
  }
  std::vector<WorkerOrders> take_all() {
    collect();
    return std::exchange(out.orders, {});
  }
  // "worker pool" for each order.
  std::vector<std::string> take_orders() {
    std::vector<std::string> names;
    for (const auto& one : take_all()) {
      for (const auto& order : one.orders) {
        names.push_back(one.worker + " " + order.definition.spec.name);
      }
    }
    return names;
  }
  std::vector<PoolSelection> take_selections() {
    collect();
    return std::exchange(out.selections, {});
  }
  // The order in force; an empty one when there was none.
  PoolOrder last_order(const std::string& worker, const std::string& pool) {
    collect();
    return last_[{worker, pool}];
  }
  // "a=2 b=3": what each node that was told of the pool keeps ready.
  std::string keeps(const std::string& pool) {
    collect();
    std::string text;
    for (const auto& [key, order] : last_) {
      if (key.second != pool) continue;
      text += (text.empty() ? "" : " ") + key.first + "=" + std::to_string(order.keep_ready);
    }
    return text;
  }
  std::string nodes_of(const std::string& pool) {
    std::string text;
    for (const auto& view : keeper.views(pool)) {
      for (const auto& node : view.nodes) text += (text.empty() ? "" : " ") + node.node;
    }
    return text;
  }

  Moment moment;
  PoolKeeper keeper{1, kEpoch};
  KeeperOutputs out;

 private:
  std::map<std::string, NodeView> nodes_;
  std::map<std::pair<std::string, std::string>, PoolOrder> last_;
};

}  // namespace kiln::coordinator
