// An agent with a list of tasks: asks for leases, runs tasks under them in sequence, gives them
// back, tries elsewhere what was refused or lost, and after three failures runs it itself.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "coordinator/scheduling/types.h"
#include "tests/simulation/model_worker.h"
#include "tests/simulation/world.h"

namespace kiln::simulation {

struct ClientPlan {
  std::uint32_t tasks = 0;
  std::uint32_t parallel = 0;
  Duration least_task = milliseconds(50);
  Duration most_task = milliseconds(500);
  Digest toolchain;
  std::string pool = kDefaultPool;
  TimePoint start{};
};

class ModelClient {
 public:
  // How the client reaches the others; all of it is subject to the network.
  struct Links {
    std::function<void(coordinator::Event)> to_coordinator;
    std::function<void(const std::string& worker, const RunRequest&)> to_worker;
  };

  ModelClient(World& world, coordinator::ClientId id, const ClientPlan& plan);

  coordinator::ClientId id() const { return id_; }
  void connect(Links links) { links_ = std::move(links); }
  void begin();
  // The process dies; begin() goes on with the tasks that are not done, under another id.
  void crash(coordinator::ClientId next_id);

  void granted(const coordinator::LeasesGranted& grant);
  void refused(const coordinator::LeasesRefused& refusal);

  bool finished() const { return done_ == plan_.tasks; }
  std::uint32_t local = 0;
  std::uint32_t busy = 0;
  TimePoint first_grant{};
  TimePoint ended{};

 private:
  struct Held {
    Lease lease;
    std::uint32_t left = 0;
    TimePoint expires;
    bool in_use = false;
  };

  void turn();
  void heartbeat(std::uint64_t life);
  void ask();
  void run(Held& held, std::uint32_t task);
  enum class Answer { done, busy, silence };
  void answered(std::uint64_t attempt, Answer answer);
  void failed(std::uint32_t task);
  void task_done();
  void drop(const LeaseId& id);
  std::size_t free_leases() const;

  World& world_;
  coordinator::ClientId id_;
  ClientPlan plan_;
  Links links_;
  bool alive_ = false;
  std::uint64_t life_ = 0;
  std::uint64_t next_request_ = 1;
  std::uint64_t next_attempt_ = 1;
  std::uint32_t done_ = 0;
  std::deque<std::uint32_t> waiting_;
  std::vector<std::uint32_t> failures_;
  std::map<LeaseId, Held> leases_;
  std::map<std::uint64_t, std::uint32_t> asked_;  // request: leases still missing
  std::map<std::uint64_t, std::pair<LeaseId, std::uint32_t>> attempts_;
  TimePoint quiet_until_{};
};

}  // namespace kiln::simulation
