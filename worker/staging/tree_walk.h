// What a tree needs from the blob store, found by walking its listings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_set>
#include <utility>
#include <vector>

#include "common/base/digest.h"
#include "common/base/result.h"
#include "common/model/tree.h"
#include "common/store/blob_store.h"
#include "worker/staging/listing_reader.h"

namespace kiln::worker {

// Deeper trees are refused: each level costs a descriptor while a tree is built.
inline constexpr std::size_t kMaxDepth = 128;

Error too_deep();
Error too_many_entries(std::size_t limit);

// Of all that one walk sees, each file counted once.
struct WalkLimits {
  std::size_t entries = 0;
  std::uint64_t bytes = 0;  // as listed
};

// Collects, over any number of trees, the blobs and listings that the store has and has not.
class TreeWalk {
 public:
  enum class Found { touch, pin };

  // Found::touch: what the store has becomes recently used; Found::pin: it is pinned, too.
  TreeWalk(ListingReader& listings, store::BlobStore& store, WalkLimits limits, Found found)
      : listings_(listings), store_(store), limits_(limits), mode_(found) {}

  // Walks the tree below the listing `root`. Errors: see TreeStager::missing_inputs.
  Status add_tree(const Digest& root);
  // Walks what `directory` lists.
  Status add(const Directory& directory);

  const std::vector<Digest>& missing() const { return missing_; }
  // With Found::pin: keeps all that was found in the store.
  std::vector<store::Pin> take_pins() { return std::move(pins_); }

 private:
  // False when the store has it not.
  bool look_up(const Digest& digest);
  Status descend(const Directory& directory, std::size_t depth);
  Status count(const TreeEntry& file);
  Status visit(const Digest& listing, std::size_t depth);

  ListingReader& listings_;
  store::BlobStore& store_;
  const WalkLimits limits_;
  const Found mode_;
  std::size_t entries_ = 0;
  std::uint64_t bytes_ = 0;          // never above the limit
  std::unordered_set<Digest> seen_;  // each digest once: shared subtrees cost nothing
  std::vector<Digest> missing_;
  std::vector<store::Pin> pins_;
};

}  // namespace kiln::worker
