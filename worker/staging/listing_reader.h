// Directory listings from the blob store, decoded, the recently used ones kept in memory: a tree is
// walked once to see what is missing and once to be built, and tasks share most of their listings.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "common/base/digest.h"
#include "common/base/result.h"
#include "common/model/tree.h"
#include "common/store/blob_store.h"

namespace kiln::worker {

// Thread-safe.
class ListingReader {
 public:
  // Keeps at most `entry_limit` entries in memory, of all listings together.
  ListingReader(store::BlobStore& store, std::size_t entry_limit);

  // Errc::not_found when it is not in the store, Errc::corrupt when it is no listing. The empty
  // listing is known without being stored.
  Result<std::shared_ptr<const Directory>> read(const Digest& digest);

  // Keeps the listing that `content`, which has the digest, is; nothing when it is none.
  void learn(const Digest& digest, std::string_view content);

 private:
  using Listing = std::pair<Digest, std::shared_ptr<const Directory>>;

  std::shared_ptr<const Directory> recall(const Digest& digest);
  void remember(const Digest& digest, std::shared_ptr<const Directory> listing);

  store::BlobStore& store_;
  const std::size_t entry_limit_;
  const Digest empty_;
  std::mutex mutex_;          // guards what follows
  std::list<Listing> order_;  // the least recently used first
  std::unordered_map<Digest, std::list<Listing>::iterator> kept_;
  std::size_t entries_ = 0;
};

}  // namespace kiln::worker
