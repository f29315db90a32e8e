// What is known of a node: what it announces once, and its occupancy, which is absolute.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/digest.h"
#include "common/model/task.h"

namespace kiln {

// What a worker says of itself when it registers. Fixed while its epoch lasts.
struct NodeInfo {
  std::string name;          // stable across restarts, unique in the farm
  std::uint64_t epoch = 0;   // random per worker process
  std::string version;       // of the program, for people
  std::string task_address;  // tcp://host:port that agents connect to for tasks
  std::string bulk_address;  // likewise for blobs
  std::uint32_t slots = 0;   // tasks that may run at once
  std::uint64_t memory_bytes = 0;
  std::string architecture;  // as uname -m: x86_64
  std::vector<std::pair<std::string, std::string>> labels;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("name", self.name);
    visit("epoch", self.epoch);
    visit("version", self.version);
    visit("task_address", self.task_address);
    visit("bulk_address", self.bulk_address);
    visit("slots", self.slots);
    visit("memory_bytes", self.memory_bytes);
    visit("architecture", self.architecture);
    visit("labels", self.labels);
  }
  friend bool operator==(const NodeInfo&, const NodeInfo&) = default;
};

enum class TaskPhase : std::uint8_t { queued, staging, running, returning };
std::string_view name(TaskPhase phase);

// A task that a worker holds now, for `kiln tasks`.
struct TaskStatus {
  AttemptId attempt;
  std::string label;
  TaskPhase phase = TaskPhase::queued;
  std::uint64_t phase_ms = 0;  // since the phase began
  std::string pool = "default";
  std::uint64_t age_ms = 0;  // since it was accepted
  std::int32_t pid = 0;      // on its node, of the process that runs it; 0: it has none now
  std::string build = {};    // as its Run names it
  std::string client = {};   // whose it is, likewise

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("attempt", self.attempt);
    visit("label", self.label);
    visit("phase", self.phase);
    visit("phase_ms", self.phase_ms);
    visit("pool", self.pool);
    visit("age_ms", self.age_ms);
    visit("pid", self.pid);
    visit("build", self.build);
    visit("client", self.client);
  }
  friend bool operator==(const TaskStatus&, const TaskStatus&) = default;
};

// The whole state of a worker's slots at one moment. The newest (epoch, sequence) wins.
struct Occupancy {
  std::uint64_t sequence = 0;
  std::uint32_t running = 0;       // tasks on slots
  std::uint32_t queued = 0;        // tasks accepted that wait for a slot or for inputs
  std::uint32_t ready = 0;         // executors initialised and idle
  bool draining = false;           // takes no new tasks
  std::vector<Digest> toolchains;  // staged
  std::uint64_t completed = 0;     // tasks ended since the epoch began, whatever the outcome
  std::uint64_t failed = 0;        // of these, not ended by the command's own exit
  std::uint64_t memory_available_bytes = 0;
  double load = 0;        // one-minute load average
  double core_speed = 0;  // of one core, as measure_core_speed; 0: not known yet
  std::vector<TaskStatus> tasks;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("sequence", self.sequence);
    visit("running", self.running);
    visit("queued", self.queued);
    visit("ready", self.ready);
    visit("draining", self.draining);
    visit("toolchains", self.toolchains);
    visit("completed", self.completed);
    visit("failed", self.failed);
    visit("memory_available_bytes", self.memory_available_bytes);
    visit("load", self.load);
    visit("core_speed", self.core_speed);
    visit("tasks", self.tasks);
  }
  friend bool operator==(const Occupancy&, const Occupancy&) = default;
};

}  // namespace kiln
