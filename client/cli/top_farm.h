// The farm as the agent's answers to `status`, `nodes`, `pools` and `tasks` tell it, in numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/cli/slot_meter.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace kiln::client {

// JSON, or why there is none.
struct TopAnswers {
  Result<std::string> status;
  Result<std::string> nodes;
  Result<std::string> pools;
  Result<std::string> tasks;
};

struct TopNode {
  std::string name;
  std::string state;
  std::string address;
  SlotUse use;
  double load = 0;
  double speed = 0;                // of a core, 1 being the reference; 0: not known
  std::uint64_t memory_bytes = 0;  // available
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  std::optional<double> rate;  // tasks completed per second since the answer before
};

struct TopPool {
  std::string name;
  std::string state;
  std::string context;
  std::uint64_t nodes = 0;
  std::uint64_t ready = 0;  // executors, as the next two
  std::uint64_t busy = 0;
  std::uint64_t broken = 0;
  std::uint64_t tasks = 0;      // that it has run
  std::uint64_t warm_hits = 0;  // of those that it gave an executor, so many found a warm one
  std::uint64_t warm_misses = 0;
  std::uint64_t waiting = 0;  // requests
};

struct TopTask {
  std::string node;
  std::string phase;
  std::string pool;
  std::string label;
  std::string attempt;
  std::uint64_t age_ms = 0;
  std::string build = {};
  std::string client = {};
};

// The tasks of one build that the farm has now.
struct TopBuild {
  std::string name;
  std::string client;  // whose its tasks are; of several the first
  std::uint64_t running = 0;
  std::uint64_t waiting = 0;    // for a slot or for files
  std::uint64_t nodes = 0;      // that have tasks of it
  std::uint64_t oldest_ms = 0;  // the age of its oldest task
};

struct TopFarm {
  std::string coordinator;  // the one in use, else the first: "10.0.0.1:10650 (connecting)"
  std::string trouble;      // why nothing runs remotely, or is not known
  bool is_there = false;    // jobs run remotely
  std::uint64_t ready_nodes = 0;
  std::uint64_t waiting = 0;  // requests
  std::vector<TopNode> nodes;
  std::vector<TopPool> pools;
  std::vector<TopTask> tasks;
  std::vector<TopBuild> builds;
};

TopFarm top_farm(const TopAnswers& answers);

// Of the tasks whose agents name one.
std::vector<TopBuild> builds_of(const std::vector<TopTask>& tasks);

// Sets the rates of `now`, which was answered `elapsed` after `before`. A node that was not there,
// or was started anew, has none.
void set_rates(TopFarm& now, const TopFarm& before, Duration elapsed);

// Of all nodes together.
SlotUse use_of(const TopFarm& farm);
std::optional<double> rate_of(const TopFarm& farm);

}  // namespace kiln::client
