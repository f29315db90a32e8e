// A task: one command with what it reads and writes, and what came of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kiln::v1 {

using Environment = std::vector<std::pair<std::string, std::string>>;

// What a task may use up; 0 means the pool's own bound, if it has one.
struct Limits {
  std::chrono::milliseconds time{0};  // from start to exit
  std::uint64_t memory_bytes = 0;     // resident, of all its processes together
  std::uint64_t output_bytes = 0;     // of stdout and stderr together, and of each output file
};

struct Task {
  enum class Kind {
    command,  // as `kiln run`: it sees its declared inputs and writes its declared outputs
    compile,  // a compiler call: Kiln finds out itself what it reads and writes
  };
  Kind kind = Kind::command;
  std::vector<std::string> argv = {};     // argv[0] is looked for on the PATH of its environment
  std::vector<std::string> inputs = {};   // command: files, and folders with all that is in them
  std::vector<std::string> outputs = {};  // command: files, written in place when it has ended
  std::string cwd = {};                   // absolute; empty: Options::cwd
  // All that it sees, and no more. Unset: Options::environment.
  std::optional<Environment> environment = {};
  std::optional<std::uint32_t> umask = {};  // of its outputs; unset: this process's at connect
  Limits limits = {};
  std::int32_t priority = 0;  // higher first
  std::string name = {};      // for people and errors; empty: argv[0]
};

// Where a task's time went.
struct Timings {
  std::chrono::microseconds total{0};    // from submit to the end
  std::chrono::microseconds prepare{0};  // finding out what it needs
  std::chrono::microseconds wait{0};     // for a slot
  std::chrono::microseconds remote{0};   // from the slot to the result, of which:
  std::chrono::microseconds queue{0};    //   on the node, waiting for inputs and the slot
  std::chrono::microseconds root{0};     //   making and removing the task's root
  std::chrono::microseconds run{0};      //   from start to exit
  std::chrono::microseconds user{0};     // CPU of all its processes
  std::chrono::microseconds system{0};
};

// How a command ended by itself, well or badly. Its outputs are in place.
struct TaskResult {
  int exit_code = 0;
  int signal = 0;  // that it died of; 0: none
  std::string stdout_text = {};
  std::string stderr_text = {};
  std::string task = {};  // Task::name
  std::string node = {};  // where it ran
  std::uint32_t attempts = 1;
  std::uint64_t max_rss_bytes = 0;  // of its largest process
  Timings timings;

  bool succeeded() const { return exit_code == 0 && signal == 0; }
};

}  // namespace kiln::v1
