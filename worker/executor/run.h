// What an executor is asked to run, and what it reports.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/model/task.h"
#include "worker/sandbox/outputs.h"

namespace kiln::worker {

// One task, with its root described by directories of this machine.
//
// `lowers` are stacked read-only, the topmost first, the toolchain tree last. They stay as they are
// until the report has come. REQUIRES of the trees:
//  - on one machine, not on an overlay file system, at most 200 of them;
//  - every file is readable and every directory searchable by the task: owned by
//    ExecutorHost::identity() (what an input tree should be: the task then owns its inputs, as the
//    user does on the client), or with those bits for all (what a toolchain tree should be).
// The task may write in the directories that it owns, in cwd, in the parent directories of its
// outputs, and in /tmp: where those exist and belong to somebody else, they are made the task's own
// in the private upper directory. A missing directory is not made: there the command fails as it
// would on the client. /proc, /dev and /tmp are always there; whatever the trees hold in /proc and
// /dev is hidden, what they hold in /tmp is seen.
struct RunRequest {
  AttemptId attempt;
  std::string program;            // absolute path in the root
  std::vector<std::string> argv;  // argv[0] as the caller gave it; not empty
  std::vector<std::pair<std::string, std::string>> environment;  // all that the task sees
  std::string cwd;                                               // absolute, in the root
  std::uint32_t umask = 022;
  std::vector<std::filesystem::path> lowers;
  std::vector<std::string> outputs;  // absolute paths in the root
  Limits limits;
  std::uint64_t stream_bytes = 0;  // stdout and stderr together; 0: only as `limits` say
  // Not 0: of stdout and stderr, in the order in which they were written, so many of the last bytes
  // are kept, all as stdout, and nothing is too much.
  std::uint64_t tail_bytes = 0;

  template <typename Self, typename Visitor>
  static void describe(Self& self, Visitor&& visit) {
    visit("attempt", self.attempt);
    visit("program", self.program);
    visit("argv", self.argv);
    visit("environment", self.environment);
    visit("cwd", self.cwd);
    visit("umask", self.umask);
    visit("lowers", self.lowers);
    visit("outputs", self.outputs);
    visit("limits", self.limits);
    visit("stream_bytes", self.stream_bytes);
    visit("tail_bytes", self.tail_bytes);
  }
};

// What the task wrote to stdout or stderr. `file` is invalid when it wrote nothing; else it is a
// memory file, read it with pread or from offset 0.
struct CapturedStream {
  UniqueFd file;
  std::uint64_t bytes = 0;

  // All of it.
  Result<std::string> read() const;
};

struct RunReport {
  AttemptId attempt;
  Outcome outcome = Outcome::not_started;
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;
  std::string message;       // for outcomes that are not the command's own
  bool nodes_fault = false;  // of one that did not start: another task would have fared no better
  bool terminated = false;   // it was sent SIGTERM (ExecutorHost::terminate) before it ended
  bool forked = false;       // its program was held and forked, not executed
  // queue_us is the worker's to fill in. root_us is the time from the request's arrival in the init
  // to exec, plus from the command's exit until all its processes are gone and its outputs found.
  // The namespaces end after the report, while others may run already.
  Usage usage;
  CapturedStream standard_output;
  CapturedStream standard_error;
  std::vector<WrittenOutput> outputs;  // declared ones that the task wrote; see collect_outputs
  std::filesystem::path workspace;     // to be given to release(), also after a failure

  // Where collect_outputs looks.
  std::filesystem::path upper() const { return workspace / "upper"; }
};

}  // namespace kiln::worker
