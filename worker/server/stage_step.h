// One blocking step of staging a job, for a pool thread.
#pragma once

#include <vector>

#include "common/base/digest.h"
#include "common/base/result.h"
#include "common/store/blob_store.h"
#include "worker/server/job.h"
#include "worker/staging/tree_stager.h"

namespace kiln::worker {

struct StageOutcome {
  std::vector<Digest> missing_toolchain;  // to be fetched before the next step
  std::vector<Digest> missing_inputs;
  bool complete = false;  // the job has both trees
};

// Stores the job's inline blobs, then stages its trees if nothing is missing. Errors are final.
Result<StageOutcome> stage_step(Job& job, store::BlobStore& store, TreeStager& stager);

}  // namespace kiln::worker
