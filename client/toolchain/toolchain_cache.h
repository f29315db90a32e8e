// Toolchains found once and remembered, in memory and on disk, until a file of theirs changes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "client/inputs/file_digest_cache.h"
#include "client/inputs/file_system.h"
#include "client/toolchain/toolchain.h"
#include "common/base/digest.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace kiln::client {

struct ToolchainAnswer {
  std::string program;                         // absolute path of the command on this machine
  std::shared_ptr<const Toolchain> toolchain;  // null: only this machine can run it
  std::string reason;                          // then: a stable word
  std::string explanation;                     // and the same for people
};

// Whether the probe compile in a toolchain's root equalled the local one.
enum class ProbeState : std::uint8_t { unknown, ok, refused };
struct Verdict {
  ProbeState state = ProbeState::unknown;
  std::string reason;  // refused: what differed

  friend bool operator==(const Verdict&, const Verdict&) = default;
};

// An answer holds for (program, cwd-independent parts of the query, relevant_environment) as long
// as every packaged file keeps its mtime, ctime, size and inode and every helper is still what PATH
// finds; the compiler itself is looked at each time, all the rest every kLookAgain. A corrupt or
// outdated cache file is ignored and rewritten; a cache directory that cannot be written costs only
// time. That a command cannot be packaged holds for kUnpackagedHolds, since it may end without any
// file changing that is known of. Thread-safe; a miss blocks for up to seconds, a hit for a stat
// call, or some dozen.
class ToolchainCache {
 public:
  using Now = std::function<TimePoint()>;
  static constexpr Duration kUnpackagedHolds = seconds(30);
  static constexpr Duration kLookAgain = seconds(1);

  // `directory`: see client/paths cache_directory; made when needed. `files` and `digests` outlive
  // the cache.
  ToolchainCache(std::filesystem::path directory, const FileSystem& files, FileDigestCache& digests,
                 Now now = Clock::now);
  ~ToolchainCache();
  ToolchainCache(const ToolchainCache&) = delete;
  ToolchainCache& operator=(const ToolchainCache&) = delete;

  // Errc::not_found when there is no such command; a command that cannot be packaged is an answer
  // without a toolchain. What failed for want of time or resources is an error and not remembered.
  Result<ToolchainAnswer> find(const ToolchainQuery& query);

  // The verdict that was last set for the toolchain of this root, also by an earlier process.
  Verdict verdict(const Digest& root);
  Status set_verdict(const Digest& root, const Verdict& verdict);

  // How often something had to be packaged so far, by running the compiler.
  std::uint64_t packaged() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kiln::client
