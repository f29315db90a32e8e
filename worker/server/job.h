// All that a worker holds of one attempt, from RUN to ACK.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/store/blob_store.h"
#include "common/wire/codec.h"
#include "common/wire/messages.h"
#include "worker/staging/tree_stager.h"

namespace kiln::worker {

// A result as it is sent, again on every reclaim.
struct StoredResult {
  wire::RunResult message;
  wire::Frames raw;
  bool nodes_fault = false;  // of one that did not start

  // What it holds in memory, apart from the message.
  std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const auto& frame : raw) sum += frame.size();
    return sum;
  }
};

// Shared between the reactor's thread and one pool thread at a time: whoever works on it has it.
struct Job {
  std::string peer;  // the route to the agent
  wire::Run run;
  wire::Frames inline_blobs;     // the raw frames of RUN, until they are stored
  std::vector<store::Pin> pins;  // inputs on their way in, outputs on their way out
  std::optional<StagedTree> toolchain;
  std::optional<StagedTree> inputs;
  std::optional<StoredResult> result;
  TimePoint accepted;
  TimePoint started;
  TimePoint completed;                   // its result, if it has one
  std::optional<TimePoint> asked_since;  // blobs that it waits for
  Duration transfer{};                   // in which it waited for blobs
  int staging_rounds = 0;
  bool in_pool = false;              // a pool thread has it
  bool stopped = false;              // cancelled while staging: nothing more is done for it
  bool orphaned = false;             // its agent's connection is gone: nothing can be asked for it
  bool toolchain_was_there = false;  // staged before it came
  bool forked = false;               // its program was held, and forked for it
  bool parked = false;  // orphaned, and it lacks something: goes on when it is reclaimed

  // What only a task that is yet to run needs. REQUIRES: no pool thread has the job.
  void let_go_of_inputs() {
    inputs.reset();
    toolchain.reset();
    pins.clear();
    inline_blobs.clear();
  }
};
using JobPtr = std::shared_ptr<Job>;

}  // namespace kiln::worker
