// A whole farm: the production decisions of coordinators, model workers and model clients in one
// world.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "coordinator/pools/core.h"
#include "tests/simulation/model_client.h"
#include "tests/simulation/model_worker.h"
#include "tests/simulation/world.h"

namespace kiln::simulation {

struct Scenario {
  std::uint64_t seed = 1;
  std::uint32_t coordinators = 1;
  std::uint32_t workers = 10;
  std::uint32_t slots = 8;
  std::uint32_t slow_workers = 0;  // of `workers`: their cores have half the speed
  std::vector<ClientPlan> clients;
  NetworkFaults faults;
  // Mean times between faults; 0: none. Faults end at `calm`, so that the work can be finished.
  Duration worker_crash{};
  Duration client_crash{};
  Duration coordinator_crash{};  // it loses its disk too
  Duration pool_change{};        // likewise between changes of pools; 0: there are none
  TimePoint calm{seconds(60)};
  TimePoint end{seconds(600)};
};

struct Outcome {
  std::uint64_t fingerprint = 0;
  std::uint64_t steps = 0;  // of all schedulers
  std::uint64_t granted = 0;
  std::uint64_t refused_by_workers = 0;
  std::uint64_t completed = 0;
  Duration slot_time{};  // that completed tasks held slots
  std::uint64_t violations = 0;
  std::uint64_t overdue = 0;  // requests without an end after their deadline
  std::uint64_t local = 0;
  std::uint32_t unfinished = 0;  // clients
  TimePoint ended{};
  std::vector<TimePoint> first_grants;
  std::vector<std::string> pool_problems;  // what is wrong with the pools at the end
  std::uint64_t pool_changes = 0;
  Duration scheduler_time{};  // CPU time spent in Scheduler::step
};

class ModelFarm {
 public:
  explicit ModelFarm(const Scenario& scenario);
  Outcome run();

 private:
  struct Coordinator {
    std::unique_ptr<coordinator::Core> core;
    bool alive = true;
    std::uint64_t life = 0;
    std::uint64_t epoch = 0;  // of this life, as the coordinator tells it
    TimePoint tick_at{};      // of the tick that is under way; zero: none
    std::map<coordinator::RequestKey, std::pair<TimePoint, std::uint32_t>> open;
    std::set<coordinator::RequestKey> seen;
  };

  // One connection of a worker to a coordinator: what is sent on it arrives in order, or it ends.
  struct Link {
    std::uint64_t number = 0;
    bool welcomed = false;
    TimePoint to_worker{};
    TimePoint to_coordinator{};
  };

  void start_coordinator(std::size_t index);
  void feed(std::size_t index, const coordinator::Event& event);
  void note_input(Coordinator& place, const coordinator::Event& event);
  void take_all(std::size_t index, const coordinator::CoreOutputs& outputs);
  void take(std::size_t index, const coordinator::Output& output);
  coordinator::Moment moment() const;
  void plan_tick(std::size_t index);
  void close_requests_of(Coordinator& place, coordinator::ClientId client);

  void add_worker(std::uint32_t number);
  void say_hello(std::size_t index, ModelWorker& worker);
  void heartbeat(ModelWorker& worker);
  void report(ModelWorker& worker);
  void add_client(const ClientPlan& plan);
  ModelClient* client_of(coordinator::ClientId id);

  // model_farm_pools.cc
  Link& link(std::size_t index, const ModelWorker& worker);
  void end_link(std::size_t index, ModelWorker& worker);
  void send_in_order(std::size_t index, ModelWorker& worker, bool to_worker,
                     const std::function<void()>& deliver);
  void welcome(std::size_t index, const std::string& worker);
  void send_orders(std::size_t index, const coordinator::WorkerOrders& orders);
  void obey(std::size_t index, std::uint64_t epoch, ModelWorker& worker,
            const coordinator::WorkerOrders& orders);
  void send_report(std::size_t index, ModelWorker& worker, coordinator::WorkerReport report);
  void change_pool(std::size_t index, const coordinator::PoolRequest& request);
  void change_some_pool();
  void keep_steady_pool();
  void check_grant(std::size_t index, const coordinator::GrantedSlot& slot);
  void check_pools();
  void check_spread(const PoolDefinition& definition);
  void check_taken_up(const std::string& pool);
  bool finished() const;

  void plan_faults();
  void repeat_fault(Duration mean, void (ModelFarm::*fault)());
  void crash_worker();
  void crash_client();
  void crash_coordinator();
  bool all_finished() const;

  Scenario scenario_;
  World world_;
  std::vector<Coordinator> coordinators_;
  std::vector<std::unique_ptr<ModelWorker>> workers_;
  std::map<std::string, ModelWorker*> by_name_;
  std::vector<std::unique_ptr<ModelClient>> clients_;
  std::map<std::pair<std::size_t, std::string>, Link> links_;
  std::map<std::string, PoolDefinition> held_;  // the one that counts of all that a worker held
  Outcome outcome_;
};

}  // namespace kiln::simulation
