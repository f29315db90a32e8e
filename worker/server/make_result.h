// From an executor's report to the message that the agent gets; blocking, for a pool thread.
#pragma once

#include "common/store/blob_store.h"
#include "worker/executor/run.h"
#include "worker/server/job.h"

namespace kiln::worker {

// Collects the outputs, small ones into the message, large ones into the store (pinned by the job).
// The task's workspace is not needed any more afterwards. A failure to collect becomes
// Outcome::not_started with the reason: the result is useless, and another node may do better.
StoredResult make_result(Job& job, RunReport& report, store::BlobStore& store);

// The result of an attempt that never ran.
StoredResult result_without_run(const AttemptId& attempt, Outcome outcome,
                                const std::string& message);

}  // namespace kiln::worker
