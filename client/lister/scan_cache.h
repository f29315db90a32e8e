// Scans by content: a header that every source of a build includes is scanned once.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "client/inputs/file_system.h"
#include "client/lister/source_scan.h"
#include "common/base/digest.h"
#include "common/base/result.h"

namespace kiln::client {

// Thread-safe. Full, it forgets everything, as FileDigestCache does.
class ScanCache {
 public:
  explicit ScanCache(const FileSystem& files, std::size_t capacity = 1U << 17U);

  // The scan of the file at `path`, whose content has `digest`; of `text` without reading it again,
  // where the caller has that.
  Result<std::shared_ptr<const SourceScan>> scan(const std::string& path, const Digest& digest,
                                                 const std::vector<std::string>& operators,
                                                 std::optional<std::string> text = std::nullopt);

 private:
  const FileSystem& files_;
  const std::size_t capacity_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const SourceScan>> scans_;
};

}  // namespace kiln::client
