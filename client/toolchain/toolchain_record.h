// What the toolchain cache remembers of one query, and its form on disk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/toolchain/package.h"
#include "client/toolchain/toolchain_cache.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace kiln::client {

// What stat(2), which follows symlinks, says of a path. All zero: nothing is there.
struct FileStamp {
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  std::uint64_t size = 0;
  std::uint64_t inode = 0;

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
FileStamp stamp_of(const std::string& path);

struct WatchedPath {
  std::string path;
  FileStamp stamp;

  friend bool operator==(const WatchedPath&, const WatchedPath&) = default;
};

// An answer, and what must stay as it is for the answer to hold.
struct ToolchainRecord {
  ToolchainAnswer answer;
  std::vector<WatchedPath> watched;
  std::vector<HelperLookup> lookups;
  TimePoint made;  // in this process; not written
};

// Whether all that the record depends on is as it was, seen from `query`.
bool still_holds(const ToolchainRecord& record, const ToolchainQuery& query);

// CBOR: listings are bytes, and so may be paths.
std::string encode_record(const ToolchainRecord& record);

// Errc::version_mismatch for another version's record, Errc::corrupt for anything else that
// encode_record did not write.
Result<ToolchainRecord> decode_record(std::string_view bytes);

}  // namespace kiln::client
