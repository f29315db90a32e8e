#include "worker/server/make_result.h"

#include <utility>

#include "common/base/files.h"
#include "common/transfer/inline_blob.h"
#include "worker/server/nodes_fault.h"

namespace kiln::worker {
namespace {

// Outputs up to this size travel in the result itself and save a round trip.
constexpr std::uint64_t kInlineBytes = 512 << 10;
// All inline outputs of one result together.
constexpr std::uint64_t kInlineTotalBytes = 4 << 20;

void add_stream(std::string content, transfer::FrameCodec& codec, StoredResult& result,
                wire::Encoding& encoding, std::uint64_t& size) {
  size = content.size();
  auto frame = codec.encode(std::move(content));
  encoding = frame.encoding;
  result.raw.push_back(std::move(frame.bytes));
}

Status add_output(Job& job, CollectedOutput& output, store::BlobStore& store,
                  transfer::FrameCodec& codec, StoredResult& result, std::uint64_t& inline_total) {
  OutputFile file{output.path, output.mode, output.size, {}};
  if (output.size <= kInlineBytes && inline_total + output.size <= kInlineTotalBytes) {
    inline_total += output.size;
    KILN_TRY_ASSIGN(auto content, read_all(output.file.get()));
    file.size = content.size();
    file.digest = digest_of(content);
    auto frame = codec.encode(std::move(content));
    result.message.blobs.push_back(transfer::describe_blob(file.digest, file.size, frame));
    result.raw.push_back(std::move(frame.bytes));
  } else {
    KILN_TRY_ASSIGN(auto pin, store.put_file(output.file.get()));
    file.digest = pin.digest();
    file.size = pin.size();
    job.pins.push_back(std::move(pin));
  }
  result.message.result.outputs.push_back(std::move(file));
  return {};
}

Status add_streams(RunReport& report, transfer::FrameCodec& codec, StoredResult& result) {
  auto& message = result.message;
  KILN_TRY_ASSIGN(auto out, report.standard_output.read());
  KILN_TRY_ASSIGN(auto err, report.standard_error.read());
  add_stream(std::move(out), codec, result, message.stdout_encoding, message.stdout_size);
  add_stream(std::move(err), codec, result, message.stderr_encoding, message.stderr_size);
  return {};
}

Status fill(Job& job, RunReport& report, store::BlobStore& store, StoredResult& result) {
  transfer::FrameCodec codec;
  KILN_TRY(add_streams(report, codec, result));
  const bool own_end = report.outcome == Outcome::exited || report.outcome == Outcome::signalled;
  if (!own_end) return {};  // half an output is none
  KILN_TRY_ASSIGN(auto outputs, collect_outputs(report.upper(), report.outputs));
  std::uint64_t inline_total = 0;
  for (auto& output : outputs)
    KILN_TRY(add_output(job, output, store, codec, result, inline_total));
  return {};
}

std::uint64_t microseconds(Duration duration) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

}  // namespace

StoredResult result_without_run(const AttemptId& attempt, Outcome outcome,
                                const std::string& message) {
  StoredResult result;
  result.message.attempt = attempt;
  result.message.result.outcome = outcome;
  result.message.result.message = message;
  result.raw = {"", ""};
  return result;
}

StoredResult make_result(Job& job, RunReport& report, store::BlobStore& store) {
  StoredResult result;
  result.message.attempt = report.attempt;
  TaskResult& outcome = result.message.result;
  outcome.outcome = report.outcome;
  outcome.exit_code = report.exit_code;
  outcome.signal = report.signal;
  outcome.message = report.message;
  result.nodes_fault = report.nodes_fault;
  const auto filled = fill(job, report, store, result);
  if (!filled) {
    result = result_without_run(report.attempt, Outcome::not_started,
                                filled.error().within("collecting the outputs").message);
    result.nodes_fault = is_nodes_fault(filled.error());
  }
  result.message.result.usage = report.usage;
  result.message.result.usage.queue_us = microseconds(job.started - job.accepted);
  return result;
}

}  // namespace kiln::worker
