// A worker as the protocol promises it: the authority on its slots. It enforces leases, never runs
// two tasks on a slot, refuses what is too much, and tells its whole occupancy at each change.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/model/lease.h"
#include "common/model/node.h"
#include "tests/simulation/model_pools.h"
#include "tests/simulation/world.h"

namespace kiln::simulation {

struct RunRequest {
  Lease lease;
  std::uint64_t attempt = 0;
  Duration duration{};
  Digest toolchain;
  std::function<void(bool done)> answer;  // false: busy
};

class ModelWorker {
 public:
  // `speed`: of its cores, as Occupancy has it; tasks take their time at 1.
  ModelWorker(World& world, NodeInfo info, double speed)
      : world_(world), info_(std::move(info)), speed_(speed) {
    begin();
  }

  const NodeInfo& info() const { return info_; }
  ModelPools pools;
  const Occupancy& occupancy() const { return occupancy_; }
  bool alive() const { return alive_; }
  // Called at each change of the occupancy.
  std::function<void()> changed;

  void run(const RunRequest& request);
  // Loses everything; comes back with a new epoch when begin() is called.
  void crash();
  void begin();

  std::uint64_t completed = 0;
  Duration slot_time{};  // that completed tasks held slots
  std::uint64_t refused = 0;
  std::uint64_t violations = 0;  // a slot ran two tasks, or an attempt ran twice

 private:
  struct LeaseState {
    std::uint32_t left = 0;
    TimePoint expires;
    std::uint32_t unfinished = 0;
  };

  bool acceptable(const RunRequest& request);
  Duration held(const RunRequest& request) const;
  void fill_slots();
  void finish(std::uint32_t slot, std::uint64_t life);
  void publish();

  World& world_;
  NodeInfo info_;
  double speed_;
  Occupancy occupancy_;
  bool alive_ = false;
  std::uint64_t life_ = 0;
  std::map<LeaseId, LeaseState> leases_;
  std::set<std::uint64_t> attempts_;
  std::map<std::uint32_t, RunRequest> running_;  // by slot
  std::deque<RunRequest> queue_;
};

}  // namespace kiln::simulation
