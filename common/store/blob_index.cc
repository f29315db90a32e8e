#include "common/store/blob_index.h"

#include <utility>

namespace kiln::store {

BlobIndex::Handle BlobIndex::find(const Digest& digest) const {
  const auto found = entries_.find(digest);
  return found == entries_.end() ? nullptr : found->second;
}

BlobIndex::Handle BlobIndex::insert(const Digest& digest, std::uint64_t size, bool verified) {
  auto entry = std::make_shared<Entry>();
  entry->digest = digest;
  entry->size = size;
  entry->verified = verified;
  entry->listed = true;
  entry->idle_place = idle_.insert(idle_.end(), entry.get());
  entries_.emplace(digest, entry);
  bytes_ += size;
  return entry;
}

void BlobIndex::remove(const Handle& entry) {
  if (!std::exchange(entry->listed, false)) return;
  if (entry->pins == 0) {
    idle_.erase(entry->idle_place);
  } else {
    pinned_bytes_ -= entry->size;
  }
  bytes_ -= entry->size;
  entries_.erase(Digest(entry->digest));
}

void BlobIndex::pin(const Handle& entry) {
  if (entry->pins++ > 0 || !entry->listed) return;
  idle_.erase(entry->idle_place);
  pinned_bytes_ += entry->size;
}

void BlobIndex::unpin(const Handle& entry) {
  if (--entry->pins > 0 || !entry->listed) return;
  entry->idle_place = idle_.insert(idle_.end(), entry.get());
  pinned_bytes_ -= entry->size;
}

BlobIndex::Handle BlobIndex::oldest_idle() const {
  return idle_.empty() ? nullptr : find(idle_.front()->digest);
}

std::vector<Digest> BlobIndex::by_age() const {
  std::vector<Digest> digests;
  digests.reserve(entries_.size());
  for (const auto* entry : idle_) digests.push_back(entry->digest);
  for (const auto& [digest, entry] : entries_) {
    if (entry->pins > 0) digests.push_back(digest);
  }
  return digests;
}

}  // namespace kiln::store
