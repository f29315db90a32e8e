// A program that waits before its main, to be forked for tasks.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "worker/forkserver/fitness.h"
#include "worker/forkserver/holder.h"
#include "worker/forkserver/settings.h"
#include "worker/forkserver/stub_client.h"
#include "worker/sandbox/identity.h"
#include "worker/sandbox/root.h"

namespace kiln::worker {

class HeldProcess {
 public:
  // Starts it in a root of its own. Errors say in a few words why it cannot be held: "static
  // program". `proc` is a /proc of this init's namespace. The stub must lie in the mount point of
  // roots as kStubName. REQUIRES: an init with all its privileges and without a root.
  static Result<HeldProcess> start(const HeldProgram& program, const ScratchLayout& layout,
                                   const Identity& identity, int proc);

  HeldProcess(HeldProcess&&) = default;
  HeldProcess& operator=(HeldProcess&&) = default;
  // Ends both processes.
  ~HeldProcess();

  const HeldFiles& files() const { return files_; }
  std::vector<pid_t> pids() const { return {started_.holder, started_.held}; }
  // Readable when one of the two is gone; neither says anything unasked.
  std::vector<int> descriptors() const { return {started_.orders.get(), stub_.fd()}; }
  // Whether both are as they were at the start, as far as a task could have changed them.
  bool is_unchanged(int proc) const;

  // Forks it for a command whose root is `spec.root`. An error of the command's own begins as
  // start_command's; after Errc::timed_out or Errc::unavailable this process is of no more use.
  Result<StartedCommand> fork(const CommandSpec& spec);
  // Leaves the task's root, which it else keeps from going away.
  void go_home();

 private:
  HeldProcess(HeldFiles files, StartedHolder started);

  HeldFiles files_;
  StartedHolder started_;
  StubClient stub_;
  std::vector<ProcessSettings> settings_;  // of pids()
};

}  // namespace kiln::worker
