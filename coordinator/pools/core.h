// All that the coordinator decides, as one function of its inputs: the scheduler and the keeping of
// pools, and what each must hear of the other.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coordinator/pools/held_answers.h"
#include "coordinator/pools/keeper.h"
#include "coordinator/scheduling/scheduler.h"

namespace kiln::coordinator {

struct CoreOutputs {
  Outputs scheduler;
  std::vector<WorkerOrders> orders;
  bool definitions_changed = false;  // they should be stored
  std::vector<AnswerId> answers;     // to changes, to be given once the orders are sent
};

struct PoolChanged {
  bool existed = false;
  AnswerId answer = 0;  // comes in `answers`: of these outputs, or of later ones
  CoreOutputs outputs;
};

class Core {
 public:
  explicit Core(const SchedulerOptions& options);

  // What was stored, and what the operator's file says, before anything else.
  void load(const Moment& moment, const std::vector<PoolDefinition>& definitions);
  // Errc::invalid_argument and Errc::resource_exhausted as of PoolCatalog::put.
  Result<CoreOutputs> put(const Moment& moment, const PoolSpec& spec);

  CoreOutputs step(const Moment& moment, const Event& event);
  CoreOutputs reported(const Moment& moment, const WorkerReport& report);
  Result<PoolChanged> change(const Moment& moment, const PoolRequest& request);
  // Orders for the worker could not be sent.
  void unsent(const Moment& moment, const std::string& worker);

  // When the next Tick is due; nullopt: nothing waits for time.
  std::optional<TimePoint> next_deadline() const;

  const Scheduler& scheduler() const { return scheduler_; }
  const PoolKeeper& keeper() const { return keeper_; }
  // As of PoolKeeper::views, with the requests that wait.
  std::vector<PoolView> pools(const std::string& name) const;

 private:
  void tell_keeper(const Moment& moment, const Event& event, const Outputs& outputs);
  void heard_of(const std::string& worker);
  void wake_for_requests(const Moment& moment);
  CoreOutputs flush(const Moment& moment, Outputs outputs);

  Scheduler scheduler_;
  PoolKeeper keeper_;
  HeldAnswers held_;
  TimePoint requests_seen_{};  // when those that wait were last looked at
};

}  // namespace kiln::coordinator
