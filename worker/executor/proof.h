// The proof that a held program does what an executed one does, before it is used.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "worker/executor/run.h"
#include "worker/forkserver/held_program.h"
#include "worker/sandbox/supervisor.h"

namespace kiln::worker {

// What is asked of it, held and executed: its version, and to compile nothing if its file's name is
// that of a compiler of C, C++ ("clang-14", "x86_64-linux-gnu-gcc-12") or Rust.
std::vector<RunRequest> probes_of(const HeldProgram& program);

// What one way of running a probe gave.
struct ProbeResult {
  Outcome outcome = Outcome::not_started;
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;
  std::string standard_output;
  std::string standard_error;
  std::vector<std::string> outputs;  // bytes of those that exist
};

// Empty: they are the same. Else a problem, for HeldFact.
std::string difference(const RunRequest& probe, const ProbeResult& executed,
                       const ProbeResult& forked);

}  // namespace kiln::worker
