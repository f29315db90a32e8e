// The worker's side of its executors.
//
//   worker ── nursery ── executor ── init (PID 1 of one task's namespace) ── command
//                └────── template ── executor ── …
//
// The nursery is a small single-threaded program of its own, kiln-nursery; it forks executors, and
// nothing else does (a parent-death signal follows the forking thread, a fork of a threaded process
// inherits locked locks, and one of a large process takes long). An executor owns UTS and network
// namespaces (and the user namespace where the worker is not root) and runs one task at a time.
// Each task has its own PID, mount and IPC namespaces under its own init. A template is a nursery
// below the nursery: it has an executor's mount and UTS namespaces, and lends them to those it
// forks.
//
// Death goes downwards: each of these processes dies with its parent (parent-death signal, and the
// hang-up of its control socket), and with an init go all processes and mounts of its task.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "common/base/result.h"
#include "common/base/time.h"
#include "worker/executor/run.h"
#include "worker/forkserver/held_program.h"
#include "worker/sandbox/identity.h"

namespace kiln::worker {

struct HostOptions {
  // Holds the tasks' private directories, or is where a memory file system for them is mounted,
  // seen by the host's own processes only. Made if missing; all that it holds is removed at start.
  // One host at a time uses it.
  std::filesystem::path scratch;
  // Keep the tasks' private directories in memory where the kernel allows it. Else they are on the
  // disk, several milliseconds per task slower, and `scratch` must not be on an overlay file
  // system.
  bool in_memory = true;
  std::uint64_t memory_bytes = 0;  // at most so much of it; 0: half of what this process may use
  // How long the end of a cancelled task is waited for before its executor is given up.
  milliseconds cancel_patience = seconds(5);
  Identity identity = Identity::detect();
  std::filesystem::path nursery;  // the program; empty: see installed_nursery
};

enum class ExecutorId : std::uint64_t {};  // never used twice by one host
enum class TemplateId : std::uint64_t {};  // likewise

// A process that executors are forked from (context fork): it has their namespaces, so that each of
// them costs one fork.
struct TemplateSpec {
  std::string hostname = "kiln";
};

struct ExecutorSpec {
  std::string hostname = "kiln";     // what tasks see as the machine's name; a template has its own
  std::optional<TemplateId> parent;  // what it is forked from; none: the nursery
  std::vector<HeldProgram> held;
};

// What happens to executors; called from ExecutorHost::on_readable.
class ExecutorEvents {
 public:
  virtual ~ExecutorEvents() = default;
  // It may be given a task.
  virtual void executor_ready(ExecutorId id) = 0;
  // Comes once for each run() that returned no error, whatever happens.
  virtual void task_finished(ExecutorId id, RunReport report) = 0;
  // It is gone, or given up, without having been told to; its id is void. Its task, if any, was
  // reported before as executor_lost. Also when it could not be made: the error then says why.
  virtual void executor_died(ExecutorId id, Error reason) = 0;
  // It is gone after stop().
  virtual void executor_stopped(ExecutorId id) = 0;
  // Executors can be forked from it.
  virtual void template_ready(TemplateId) {}
  // It is gone, without having been told to or because it could not be made; its executors were
  // reported dead before.
  virtual void template_died(TemplateId, const Error&) {}
  // The nursery is gone: all executors were reported dead, none can be made; the worker must start
  // again as a new process.
  virtual void host_failed(Error reason) = 0;
};

// Used from one thread. Never blocks but in start() and the destructor.
class ExecutorHost {
 public:
  // Checks that this machine gives tasks what they need (see probe_sandbox), empties the scratch
  // directory and starts the nursery. REQUIRES: the calling thread lives as long as the process
  // (the nursery dies with it).
  static Result<std::unique_ptr<ExecutorHost>> start(HostOptions options);
  // Ends all executors and their tasks, and waits for the nursery's end.
  ~ExecutorHost();
  ExecutorHost(const ExecutorHost&) = delete;
  ExecutorHost& operator=(const ExecutorHost&) = delete;

  // Readable when on_readable has something to do.
  int fd() const;
  void on_readable(ExecutorEvents& events);

  const Identity& identity() const;
  // Where this process finds the tasks' private directories: one entry per task not yet released,
  // besides the host's own.
  const std::filesystem::path& workspaces() const;

  // Asks for an executor; executor_ready or executor_died follows.
  Result<ExecutorId> create(const ExecutorSpec& spec);
  // Starts a task. Errc::not_found: no such executor, or it was never ready; Errc::already_exists:
  // it has a task. One that just dies takes the task along, and both are reported.
  Status run(ExecutorId id, const RunRequest& request);
  // Kills the executor's task, if any; task_finished follows (with Outcome::cancelled unless the
  // task was faster, or so stuck that its executor is given up).
  void cancel(ExecutorId id);
  // Sends SIGTERM, once, to the processes of the executor's task, if any: it may end itself, and
  // RunReport::terminated then says so, or go on.
  void terminate(ExecutorId id);
  // Ends an executor; a running task is cancelled and reported first.
  void stop(ExecutorId id);
  // One for each of the spec's held programs, from executor_ready on.
  std::vector<HeldFact> held(ExecutorId id) const;
  // On this machine, of the process that runs the executor's task now; 0: none does.
  pid_t task_pid(ExecutorId id) const;
  // On this machine, of the executor itself; 0: not known.
  pid_t executor_pid(ExecutorId id) const;

  // Asks for a template; template_ready or template_died follows.
  Result<TemplateId> create_template(const TemplateSpec& spec);
  // Ends it with all its executors, which are reported as stopped; nothing follows for itself.
  void stop_template(TemplateId id);

 private:
  struct State;
  explicit ExecutorHost(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Removes what a task left on the disk. Blocking; thread-safe. An empty path is no error.
Status release(const std::filesystem::path& workspace);

}  // namespace kiln::worker
