// What PID 1 of a task does while the command runs: it captures the output, enforces the limits,
// reaps, and at the end leaves no process.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/base/unique_fd.h"
#include "common/model/task.h"
#include "worker/sandbox/command.h"
#include "worker/sandbox/outputs.h"

namespace kiln::worker {

// How a task ended, as its init saw it: usage.run_us, user_us, system_us and max_rss_bytes are
// filled in.
struct TaskEnd {
  Outcome outcome = Outcome::not_started;
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;
  std::string message;
  bool nodes_fault = false;  // of a task that did not start: another would have fared no better
  bool terminated =
      false;  // its processes had been sent SIGTERM, so that its end may not be its own
  Usage usage;
  std::vector<WrittenOutput> outputs;
  std::uint64_t stdout_bytes = 0;
  std::uint64_t stderr_bytes = 0;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("outcome", self.outcome);
    visit("exit_code", self.exit_code);
    visit("signal", self.signal);
    visit("message", self.message);
    visit("nodes_fault", self.nodes_fault);
    visit("terminated", self.terminated);
    visit("usage", self.usage);
    visit("outputs", self.outputs);
    visit("stdout_bytes", self.stdout_bytes);
    visit("stderr_bytes", self.stderr_bytes);
  }
};

// What is asked of a task that runs.
enum class Order : std::uint8_t { none, terminate, cancel };

using CommandStarter = std::function<Result<StartedCommand>(const CommandSpec&)>;

struct SupervisedRun {
  CommandSpec command;  // but its output descriptors
  CommandStarter start = start_command;
  // Reads the next order once `control` is readable; not set: that means cancel.
  std::function<Order()> order;
  int root = -1;  // the directory of the task's root, which may be this process's own
  std::vector<pid_t> bystanders;  // processes of the namespace that are not the command's
  std::vector<std::string> outputs;
  Limits limits;
  std::uint64_t stream_bytes = 0;  // of stdout and stderr together; 0: only limits.output_bytes
  std::uint64_t tail_bytes = 0;    // as RunRequest's
};

struct Supervised {
  TaskEnd end;
  TimePoint started;         // exec; not set when it did not come so far
  TimePoint ended;           // the command's exit
  UniqueFd standard_output;  // memory files; invalid when nothing was written
  UniqueFd standard_error;
  // The command had ended and left no process behind, so that none had to be killed; else all but
  // the init itself were, bystanders included.
  bool left_nothing = false;
};

// Runs the command to its end. When `control` becomes readable or hangs up, the task is given the
// order that comes of it: to terminate means one SIGTERM for each of its processes, and the task
// goes on until it ends. Never fails as a call: what goes wrong is an outcome. REQUIRES: this
// process is an init with SIGCHLD blocked; the bystanders are no children of its that wait()
// without __WALL finds.
Supervised supervise(const SupervisedRun& run, int control);

}  // namespace kiln::worker
