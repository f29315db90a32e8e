#include "client/agent/output_writer.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/files.h"
#include "common/transfer/inline_blob.h"

namespace kiln::client {
namespace {

// RUN_RESULT's raw frames: stdout, stderr, then the inline outputs.
constexpr std::size_t kFirstOutput = 2;

// What one stream or inline output may grow to; workers keep far below it.
constexpr std::uint64_t kFrameLimitBytes = std::uint64_t{64} << 20U;

Result<std::string> decoded(const std::string& frame, wire::Encoding encoding, std::uint64_t size) {
  return transfer::decode_frame(frame, encoding, size, kFrameLimitBytes);
}

// The frame of an output that came with the result.
std::optional<std::size_t> inline_frame(const Digest& digest, const wire::RunResult& result) {
  for (std::size_t i = 0; i < result.blobs.size(); ++i) {
    if (result.blobs[i].digest == digest) return i;
  }
  return std::nullopt;
}

Status copy_all(int from, int to) {
  std::vector<char> buffer(std::size_t{1} << 20U);
  while (true) {
    const ssize_t count = ::read(from, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read", errno);
    if (count == 0) return {};
    KILN_TRY(write_all(to, {buffer.data(), static_cast<std::size_t>(count)}));
  }
}

// An output on its way: a file beside its place. What is there at the end is removed: itself, or
// what it replaced.
class Pending {
 public:
  explicit Pending(const OutputFile& output) : output_(output) {}
  Pending(Pending&& other) noexcept
      : output_(other.output_),
        replaces_(other.replaces_),
        temporary_(std::exchange(other.temporary_, {})) {}
  ~Pending() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  Result<UniqueFd> create() {
    struct stat info {};
    replaces_ = ::lstat(output_.path.c_str(), &info) == 0;
    if (replaces_ && !S_ISREG(info.st_mode))
      return fail(Errc::unsupported, output_.path + " is there and no plain file");
    const auto parent = std::filesystem::path(output_.path).parent_path();
    std::string name = (parent / ".kiln.XXXXXX").string();
    UniqueFd fd(::mkostemp(name.data(), O_CLOEXEC));
    if (!fd.valid()) return fail_errno("cannot create a file beside " + output_.path, errno);
    temporary_ = name;
    return fd;
  }

  Status settle() {
    if (replaces_ && exchange()) return {};
    if (::rename(temporary_.c_str(), output_.path.c_str()) != 0)
      return fail_errno("cannot write " + output_.path, errno);
    temporary_.clear();
    return {};
  }

 private:
  // What is there already trades places with it and is removed afterwards. Before a rename that
  // replaces a file, ext4 writes the new one to the disk, and the caller would wait for that; what
  // is lost is its promise that after a power cut there is the old file or the new, which a file
  // that was new never had.
  bool exchange() {
    const auto trade = [this] {
      return ::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, output_.path.c_str(),
                         RENAME_EXCHANGE) == 0;
    };
    struct stat info {};
    if (!trade()) return false;
    if (::lstat(temporary_.c_str(), &info) == 0 && S_ISREG(info.st_mode)) return true;
    trade();  // something else has come there meanwhile; it is not ours to remove
    return false;
  }

  const OutputFile& output_;
  bool replaces_ = false;
  std::string temporary_;
};

Status fill(int fd, const OutputFile& file, const wire::RunResult& result, const wire::Frames& raw,
            store::BlobStore& spool) {
  if (const auto i = inline_frame(file.digest, result)) {
    const auto& blob = result.blobs[*i];
    KILN_TRY_ASSIGN(const auto content,
                    decoded(raw.at(kFirstOutput + *i), blob.encoding, blob.size));
    if (digest_of(content) != file.digest)
      return fail(Errc::corrupt, "it did not arrive as the worker wrote it");
    KILN_TRY(write_all(fd, content));
  } else {
    KILN_TRY_ASSIGN(const auto stored, spool.open(file.digest));
    KILN_TRY(copy_all(stored.get(), fd));
  }
  if (::fchmod(fd, file.mode & 0777U) != 0) return fail_errno("fchmod", errno);
  return {};
}

// A worker has no business in other files than those that were asked of it.
Status check_declared(const PreparedUnit& unit, const OutputFile& output) {
  const auto& declared = unit.task.outputs;
  if (std::find(declared.begin(), declared.end(), output.path) != declared.end()) return {};
  return fail(Errc::permission_denied,
              "the worker sent " + output.path + ", which is no output of the task");
}

// The assembler removes its output when it fails, and says so before anything else.
bool assembler_failed(const wire::RunResult& result, const wire::Frames& raw) {
  const auto streams = read_streams(result, raw);
  return streams && streams->err.find("Assembler messages:") != std::string::npos;
}

// A failed compile leaves or removes an older output; here it is to be as after a local one.
void remove_stale_object(const PreparedUnit& unit, const wire::RunResult& result,
                         const wire::Frames& raw) {
  const TaskResult& outcome = result.result;
  const bool failed = outcome.outcome != Outcome::exited || outcome.exit_code != 0;
  if (!failed || !unit.is_compile) return;
  if (!unit.removes_stale_output && !assembler_failed(result, raw)) return;
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
    if (!inline_frame(output.digest, result)) wanted.push_back(output.digest);
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
                     const wire::Frames& raw, store::BlobStore& spool,
                     const std::atomic<bool>& wanted) {
  if (raw.size() != kFirstOutput + result.blobs.size())
    return fail(Errc::corrupt, "a result does not carry what it lists");
  std::vector<Pending> pending;
  for (const auto& output : result.result.outputs) {
    KILN_TRY(check_declared(unit, output));
    pending.emplace_back(output);
    KILN_TRY_ASSIGN(const auto fd, pending.back().create());
    const auto filled = fill(fd.get(), output, result, raw, spool);
    if (!filled) return fail(filled.error().within("cannot write " + output.path));
  }
  if (!wanted) return fail(Errc::cancelled, "nobody waits for the outputs any more");
  for (auto& one : pending) KILN_TRY(one.settle());
  remove_stale_object(unit, result, raw);
  return {};
}

}  // namespace kiln::client
