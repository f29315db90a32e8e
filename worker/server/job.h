// All that a worker holds of one attempt, from RUN to ACK.
#pragma once

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
  int staging_rounds = 0;
  bool stopped = false;   // cancelled while staging: nothing more is done for it
  bool orphaned = false;  // its agent's connection is gone: nothing can be asked for it
  bool parked = false;    // orphaned, and it lacks something: goes on when it is reclaimed
};
using JobPtr = std::shared_ptr<Job>;

}  // namespace kiln::worker
