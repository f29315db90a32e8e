// A task: one command with everything that it may see, and what came of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/digest.h"

namespace kiln {

// One try of one task. Used once: the same id never runs twice.
struct AttemptId {
  std::uint64_t client_epoch = 0;  // random per agent process
  std::uint64_t number = 0;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("client_epoch", self.client_epoch);
    visit("number", self.number);
  }
  friend auto operator<=>(const AttemptId&, const AttemptId&) = default;
};

// What a task may use up; 0 means no limit.
struct Limits {
  std::uint64_t wall_ms = 0;       // from exec to exit, milliseconds
  std::uint64_t memory_bytes = 0;  // resident memory of all its processes together
  std::uint64_t output_bytes = 0;  // stdout and stderr together; also the size of each output file

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("wall_ms", self.wall_ms);
    visit("memory_bytes", self.memory_bytes);
    visit("output_bytes", self.output_bytes);
  }
  friend bool operator==(const Limits&, const Limits&) = default;
};

struct Task {
  std::string label;              // for people: the source file or command
  std::vector<std::string> argv;  // argv[0] as the caller gave it
  std::string program;            // absolute path in the root of what is executed
  std::vector<std::pair<std::string, std::string>> environment;  // all that the task sees
  std::string cwd;                                               // absolute
  std::uint32_t umask = 022;
  Digest toolchain;                  // root listing of the toolchain tree
  Digest inputs;                     // root listing of the input tree; empty: none
  std::vector<std::string> outputs;  // absolute paths; those that exist afterwards come back
  Limits limits;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("label", self.label);
    visit("argv", self.argv);
    visit("program", self.program);
    visit("environment", self.environment);
    visit("cwd", self.cwd);
    visit("umask", self.umask);
    visit("toolchain", self.toolchain);
    visit("inputs", self.inputs);
    visit("outputs", self.outputs);
    visit("limits", self.limits);
  }
  friend bool operator==(const Task&, const Task&) = default;
};

// How a task ended. The first two are the command's own doing; the others are told apart by name.
enum class Outcome : std::uint8_t {
  exited,         // exit_code holds
  signalled,      // signal holds: the command itself died of it
  time_limit,     // killed at limits.wall_ms
  memory_limit,   // killed above limits.memory_bytes
  output_limit,   // killed above limits.output_bytes
  cancelled,      // killed because the agent asked
  executor_lost,  // the executor died under the task; another try may succeed
  not_started,    // staging or the root failed; `message` says why
};
std::string_view name(Outcome outcome);

struct Usage {
  std::uint64_t queue_us = 0;       // waiting on the worker for a slot and for inputs
  std::uint64_t root_us = 0;        // of the hermetic root, before exec and after exit
  std::uint64_t run_us = 0;         // exec to exit
  std::uint64_t user_us = 0;        // CPU of all the task's processes
  std::uint64_t system_us = 0;      // likewise
  std::uint64_t max_rss_bytes = 0;  // largest single process

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("queue_us", self.queue_us);
    visit("root_us", self.root_us);
    visit("run_us", self.run_us);
    visit("user_us", self.user_us);
    visit("system_us", self.system_us);
    visit("max_rss_bytes", self.max_rss_bytes);
  }
  friend bool operator==(const Usage&, const Usage&) = default;
};

// A declared output that the task wrote.
struct OutputFile {
  std::string path;        // as declared
  std::uint32_t mode = 0;  // permission bits
  std::uint64_t size = 0;  // bytes
  Digest digest;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("path", self.path);
    visit("mode", self.mode);
    visit("size", self.size);
    visit("digest", self.digest);
  }
  friend bool operator==(const OutputFile&, const OutputFile&) = default;
};

// What came of an attempt; stdout and stderr travel beside it.
struct TaskResult {
  Outcome outcome = Outcome::not_started;
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;
  std::string message;  // for outcomes that are not the command's own
  std::vector<OutputFile> outputs;
  Usage usage;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("outcome", self.outcome);
    visit("exit_code", self.exit_code);
    visit("signal", self.signal);
    visit("message", self.message);
    visit("outputs", self.outputs);
    visit("usage", self.usage);
  }
  friend bool operator==(const TaskResult&, const TaskResult&) = default;
};

}  // namespace kiln
