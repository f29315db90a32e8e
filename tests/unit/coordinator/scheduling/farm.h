// A scheduler under test: drives the clock and sorts the outputs.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "coordinator/scheduling/scheduler.h"

namespace kiln::coordinator {

class Farm {
 public:
  explicit Farm(SchedulerOptions options = {}) : scheduler(options) {}

  Outputs at(Duration time, Event event) {
    now = TimePoint(time);
    return send(std::move(event));
  }
  Outputs send(Event event) {
    auto out = scheduler.step({now, std::move(event)});
    for (const auto& output : out) {
      if (const auto* grant = std::get_if<LeasesGranted>(&output)) {
        for (const auto& slot : grant->slots) granted.push_back(slot);
      }
    }
    return out;
  }
  Outputs pass(Duration time) {
    now += time;
    return send(Tick{});
  }

  static NodeInfo node(const std::string& name, std::uint32_t slots, std::uint64_t epoch = 1) {
    NodeInfo info;
    info.name = name;
    info.epoch = epoch;
    info.slots = slots;
    info.architecture = "x86_64";
    info.task_address = "tcp://" + name + ":1";
    info.bulk_address = "tcp://" + name + ":2";
    return info;
  }
  static Occupancy idle(std::uint64_t sequence = 1, std::vector<Digest> toolchains = {}) {
    Occupancy occupancy;
    occupancy.sequence = sequence;
    occupancy.toolchains = std::move(toolchains);
    return occupancy;
  }
  void join(const std::string& name, std::uint32_t slots, std::vector<Digest> toolchains = {}) {
    send(WorkerJoined{node(name, slots), idle(1, std::move(toolchains))});
  }
  static LeasesWanted want(ClientId client, std::uint64_t request, std::uint32_t count,
                           const std::string& build = "") {
    LeasesWanted wanted;
    wanted.key = {client, request};
    wanted.count = count;
    wanted.architecture = "x86_64";
    wanted.build = build;
    return wanted;
  }

  Scheduler scheduler;
  TimePoint now{};
  std::vector<GrantedSlot> granted;
};

template <typename Kind>
const Kind* first(const Outputs& outputs) {
  for (const auto& output : outputs) {
    if (const auto* kind = std::get_if<Kind>(&output)) return kind;
  }
  return nullptr;
}

}  // namespace kiln::coordinator
