#include "worker/server/stage_step.h"

#include <utility>

#include "common/transfer/inline_blob.h"

namespace kiln::worker {
namespace {

// Larger blobs have no business in RUN.
constexpr std::uint64_t kInlineLimitBytes = 64 << 20;

Status store_inline_blobs(Job& job, store::BlobStore& store) {
  const auto& listed = job.run.blobs;
  if (job.inline_blobs.empty()) return {};
  if (job.inline_blobs.size() != listed.size()) {
    return fail(Errc::corrupt, "RUN lists " + std::to_string(listed.size()) +
                                   " blobs and carries " + std::to_string(job.inline_blobs.size()));
  }
  for (std::size_t i = 0; i < listed.size(); ++i) {
    KILN_TRY_ASSIGN(const auto content,
                    transfer::decode_frame(job.inline_blobs[i], listed[i].encoding, listed[i].size,
                                           kInlineLimitBytes));
    KILN_TRY_ASSIGN(auto pin, store.put(listed[i].digest, content));
    job.pins.push_back(std::move(pin));
  }
  job.inline_blobs.clear();
  return {};
}

// Keeps what has arrived for this job until its trees are staged.
void pin_present(Job& job, store::BlobStore& store, const std::vector<Digest>& digests) {
  for (const auto& digest : digests) {
    if (auto pin = store.pin(digest)) job.pins.push_back(std::move(*pin));
  }
}

}  // namespace

Result<StageOutcome> stage_step(Job& job, store::BlobStore& store, TreeStager& stager) {
  constexpr int kRounds = 64;
  if (++job.staging_rounds > kRounds) {
    return fail(Errc::resource_exhausted,
                "the inputs vanish from the store as fast as they arrive; raise --store-limit");
  }
  KILN_TRY(store_inline_blobs(job, store));
  StageOutcome outcome;
  KILN_TRY_ASSIGN(outcome.missing_toolchain, stager.missing_toolchain(job.run.task.toolchain));
  KILN_TRY_ASSIGN(outcome.missing_inputs, stager.missing_inputs(job.run.task.inputs));
  if (!outcome.missing_toolchain.empty() || !outcome.missing_inputs.empty()) return outcome;

  auto toolchain = stager.stage_toolchain(job.run.task.toolchain);
  auto inputs = toolchain ? stager.stage_inputs(job.run.task.inputs)
                          : Result<StagedTree>(tl::unexpect, toolchain.error());
  if (!inputs) {
    if (inputs.error().code != Errc::not_found) return fail(inputs.error());
    pin_present(job, store, {job.run.task.toolchain, job.run.task.inputs});
    return stage_step(job, store, stager);  // evicted in between: bounded by kRounds
  }
  job.toolchain = std::move(*toolchain);
  job.inputs = std::move(*inputs);
  job.pins.clear();
  outcome.complete = true;
  return outcome;
}

}  // namespace kiln::worker
