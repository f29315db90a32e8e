#include "client/lister/scan_cache.h"

#include <utility>

namespace kiln::client {
namespace {

std::string key_of(const Digest& digest, const std::vector<std::string>& operators) {
  std::string key(digest.bytes.begin(), digest.bytes.end());
  for (const std::string& name : operators) key += "," + name;
  return key;
}

}  // namespace

ScanCache::ScanCache(const FileSystem& files, std::size_t capacity)
    : files_(files), capacity_(capacity) {}

Result<std::shared_ptr<const SourceScan>> ScanCache::scan(const std::string& path,
                                                          const Digest& digest,
                                                          const std::vector<std::string>& operators,
                                                          std::optional<std::string> text) {
  std::string key = key_of(digest, operators);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = scans_.find(key); found != scans_.end()) return found->second;
  }
  if (!text) {
    KILN_TRY_ASSIGN(text, files_.read(path));
  }
  auto scan = std::make_shared<const SourceScan>(scan_source(*text, operators));
  const std::lock_guard lock(mutex_);
  if (scans_.size() >= capacity_) scans_.clear();
  scans_.insert_or_assign(std::move(key), scan);
  return scan;
}

}  // namespace kiln::client
