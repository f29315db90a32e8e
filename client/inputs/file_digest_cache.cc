#include "client/inputs/file_digest_cache.h"

#include <algorithm>
#include <utility>

namespace kiln::client {
namespace {

constexpr std::int64_t kRacyNs = 2'000'000'000;

}  // namespace

FileDigestCache::FileDigestCache(const FileSystem& files, std::size_t capacity)
    : files_(files), capacity_(capacity) {}

Result<Digest> FileDigestCache::digest(const std::string& path, const FileStatus& status,
                                       std::optional<std::string>* content) {
  const std::pair key(status.device, status.inode);
  {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(key);
    if (found != known_.end() && found->second.status == status) return found->second.digest;
  }
  const std::int64_t started_ns = files_.now_ns();
  KILN_TRY_ASSIGN(std::string bytes, files_.read(path));
  if (bytes.size() != status.size) {
    return fail(Errc::unavailable, "hash " + path + ": it changed while it was read");
  }
  const Digest digest = digest_of(bytes);
  if (content != nullptr) *content = std::move(bytes);
  const std::int64_t changed_ns = std::max(status.mtime_ns, status.ctime_ns);

  const std::lock_guard lock(mutex_);
  ++computed_;
  if (started_ns - changed_ns < kRacyNs) return digest;
  if (known_.size() >= capacity_) known_.clear();
  known_.insert_or_assign(key, Known{status, digest});
  return digest;
}

std::uint64_t FileDigestCache::computed() const {
  const std::lock_guard lock(mutex_);
  return computed_;
}

}  // namespace kiln::client
