#include "worker/server/stage_step.h"

#include <utility>

#include "common/transfer/inline_blob.h"

namespace kiln::worker {
namespace {

// Larger blobs have no business in RUN.
constexpr std::uint64_t kInlineLimitBytes = 64 << 20;

Status store_inline_blobs(Job& job, store::BlobStore& store, TreeStager& stager) {
  const auto& listed = job.run.blobs;
  if (job.inline_blobs.empty()) return {};
  if (job.inline_blobs.size() != listed.size()) {
    return fail(Errc::corrupt, "RUN lists " + std::to_string(listed.size()) +
                                   " blobs and carries " + std::to_string(job.inline_blobs.size()));
  }
  transfer::FrameCodec codec;
  for (std::size_t i = 0; i < listed.size(); ++i) {
    const auto content =
        codec.decode(job.inline_blobs[i], listed[i].encoding, listed[i].size, kInlineLimitBytes);
    // Whatever the code says: the fault is the sender's, not this node's.
    if (!content) return fail(Errc::corrupt, content.error().message);
    KILN_TRY_ASSIGN(auto pin, store.put(listed[i].digest, *content));
    job.pins.push_back(std::move(pin));
    stager.learn_listing(listed[i].digest, *content);
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

// Missing again: evicted in between. Bounded by kRounds.
Result<StageOutcome> begin_again(Job& job, store::BlobStore& store, TreeStager& stager,
                                 const Error& error) {
  if (error.code != Errc::not_found) return fail(error);
  pin_present(job, store, {job.run.task.toolchain, job.run.task.inputs});
  return stage_step(job, store, stager);
}

}  // namespace

Result<StageOutcome> stage_step(Job& job, store::BlobStore& store, TreeStager& stager) {
  constexpr int kRounds = 64;
  if (++job.staging_rounds > kRounds) {
    return fail(Errc::resource_exhausted,
                "the inputs vanish from the store as fast as they arrive; raise --store-limit");
  }
  KILN_TRY(store_inline_blobs(job, store, stager));
  StageOutcome outcome;
  if (!job.toolchain) {
    KILN_TRY_ASSIGN(outcome.missing_toolchain, stager.missing_toolchain(job.run.task.toolchain));
    if (outcome.missing_toolchain.empty()) {
      job.toolchain_was_there = job.staging_rounds == 1 && stager.is_staged(job.run.task.toolchain);
      // Held from here on: it cannot be evicted while the inputs travel.
      auto toolchain = stager.stage_toolchain(job.run.task.toolchain);
      if (!toolchain) return begin_again(job, store, stager, toolchain.error());
      job.toolchain = std::move(*toolchain);
    }
  }
  const auto beside_bytes = job.toolchain ? job.toolchain->bytes : 0;
  KILN_TRY_ASSIGN(outcome.missing_inputs, stager.missing_inputs(job.run.task.inputs, beside_bytes));
  if (!outcome.missing_toolchain.empty() || !outcome.missing_inputs.empty()) return outcome;

  auto inputs = stager.stage_inputs(job.run.task.inputs);
  if (!inputs) return begin_again(job, store, stager, inputs.error());
  job.inputs = std::move(*inputs);
  job.pins.clear();
  outcome.complete = true;
  return outcome;
}

}  // namespace kiln::worker
