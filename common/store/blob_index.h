// What a blob store holds, in memory: sizes, pins, and the order in which blobs were last used.
// Decides what to evict; touches no file. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "common/base/digest.h"

namespace kiln::store {

class BlobIndex {
 public:
  struct Entry {
    Digest digest;
    std::uint64_t size = 0;  // bytes
    std::uint32_t pins = 0;
    bool verified = false;  // hashed, or trusted, since the store was opened
    bool listed = false;    // false once it was removed; Pins may still hold the entry
    std::list<Entry*>::iterator idle_place;  // valid while listed and not pinned
  };
  // Shared, because Pins may outlive the entry's place in the index.
  using Handle = std::shared_ptr<Entry>;

  // nullptr when it is not there.
  Handle find(const Digest& digest) const;
  // The new entry is the most recently used. REQUIRES: it is not there.
  Handle insert(const Digest& digest, std::uint64_t size, bool verified);
  void remove(const Handle& entry);

  void pin(const Handle& entry);
  // The last unpin makes the entry the most recently used evictable one.
  void unpin(const Handle& entry);

  // The entry to evict next, nullptr when all are pinned.
  Handle oldest_idle() const;
  // Every digest, the least recently used first, pinned ones last.
  std::vector<Digest> by_age() const;

  std::size_t count() const { return entries_.size(); }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t pinned_bytes() const { return pinned_bytes_; }

 private:
  std::unordered_map<Digest, Handle> entries_;
  std::list<Entry*> idle_;  // neither pinned nor removed, the least recently used first
  std::uint64_t bytes_ = 0;
  std::uint64_t pinned_bytes_ = 0;
};

}  // namespace kiln::store
