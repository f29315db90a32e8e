#include "client/agent/output_writer.h"

#include <unordered_map>
#include <utility>

#include <unistd.h>

#include "common/base/files.h"
#include "common/transfer/inline_blob.h"

namespace kiln::client {
namespace {

// RUN_RESULT's raw frames: stdout, stderr, then the inline outputs.
constexpr std::size_t kFirstOutput = 2;

// What one stream or inline output may grow to.
constexpr std::uint64_t kFrameLimitBytes = std::uint64_t{2} << 30U;

Result<std::string> decoded(const std::string& frame, wire::Encoding encoding, std::uint64_t size) {
  return transfer::decode_frame(frame, encoding, size, kFrameLimitBytes);
}

Result<std::string> content_of(const OutputFile& file, const wire::RunResult& result,
                               const wire::Frames& raw, store::BlobStore& spool) {
  for (std::size_t i = 0; i < result.blobs.size(); ++i) {
    const auto& blob = result.blobs[i];
    if (blob.digest != file.digest || kFirstOutput + i >= raw.size()) continue;
    KILN_TRY_ASSIGN(auto content, decoded(raw[kFirstOutput + i], blob.encoding, blob.size));
    if (digest_of(content) != file.digest)
      return fail(Errc::corrupt, file.path + " did not arrive as the worker wrote it");
    return content;
  }
  return spool.read(file.digest);
}

// clang's driver removes the output of a compile that failed; gcc's leaves an older one in place.
void remove_stale_object(const PreparedUnit& unit, const wire::RunResult& result) {
  const TaskResult& outcome = result.result;
  const bool failed = outcome.outcome != Outcome::exited || outcome.exit_code != 0;
  if (!failed || !unit.is_compile || unit.family != CompilerFamily::clang) return;
  if (unit.task.outputs.empty()) return;
  const std::string& object = unit.task.outputs.front();
  for (const auto& written : outcome.outputs) {
    if (written.path == object) return;
  }
  ::unlink(object.c_str());
}

}  // namespace

std::vector<Digest> outputs_to_fetch(const wire::RunResult& result) {
  std::vector<Digest> wanted;
  for (const auto& output : result.result.outputs) {
    bool is_inline = false;
    for (const auto& blob : result.blobs) is_inline = is_inline || blob.digest == output.digest;
    if (!is_inline) wanted.push_back(output.digest);
  }
  return wanted;
}

Result<Streams> read_streams(const wire::RunResult& result, const wire::Frames& raw) {
  if (raw.size() != kFirstOutput + result.blobs.size())
    return fail(Errc::corrupt, "a result does not carry what it lists");
  Streams streams;
  KILN_TRY_ASSIGN(streams.out, decoded(raw[0], result.stdout_encoding, result.stdout_size));
  KILN_TRY_ASSIGN(streams.err, decoded(raw[1], result.stderr_encoding, result.stderr_size));
  return streams;
}

Status write_outputs(const PreparedUnit& unit, const wire::RunResult& result,
                     const wire::Frames& raw, store::BlobStore& spool) {
  std::vector<std::pair<const OutputFile*, std::string>> ready;
  for (const auto& output : result.result.outputs) {
    KILN_TRY_ASSIGN(auto content, content_of(output, result, raw, spool));
    ready.emplace_back(&output, std::move(content));
  }
  for (const auto& [output, content] : ready)
    KILN_TRY(write_file_atomically(output->path, content, output->mode));
  remove_stale_object(unit, result);
  return {};
}

}  // namespace kiln::client
