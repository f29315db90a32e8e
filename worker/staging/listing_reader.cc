#include "worker/staging/listing_reader.h"

#include "common/wire/codec.h"

namespace kiln::worker {

ListingReader::ListingReader(store::BlobStore& store, std::size_t entry_limit)
    : store_(store),
      entry_limit_(entry_limit),
      empty_(digest_of(wire::encode_directory(Directory{}))) {}

Result<std::shared_ptr<const Directory>> ListingReader::read(const Digest& digest) {
  if (digest == empty_) return std::make_shared<const Directory>();
  if (auto listing = recall(digest)) return listing;
  KILN_TRY_ASSIGN(const auto bytes, store_.read(digest));
  auto decoded = wire::decode_directory(bytes);
  if (!decoded) {
    return fail(decoded.error().within("the blob " + digest.hex() + " is used as a listing"));
  }
  auto listing = std::make_shared<const Directory>(std::move(*decoded));
  remember(digest, listing);
  return listing;
}

void ListingReader::learn(const Digest& digest, std::string_view content) {
  auto decoded = wire::decode_directory(content);
  if (decoded) remember(digest, std::make_shared<const Directory>(std::move(*decoded)));
}

std::shared_ptr<const Directory> ListingReader::recall(const Digest& digest) {
  const std::lock_guard lock(mutex_);
  const auto found = kept_.find(digest);
  if (found == kept_.end()) return nullptr;
  order_.splice(order_.end(), order_, found->second);
  return found->second->second;
}

void ListingReader::remember(const Digest& digest, std::shared_ptr<const Directory> listing) {
  const std::lock_guard lock(mutex_);
  if (kept_.contains(digest) || listing->entries.size() > entry_limit_) return;
  entries_ += listing->entries.size();
  kept_[digest] = order_.emplace(order_.end(), digest, std::move(listing));
  while (entries_ > entry_limit_) {
    entries_ -= order_.front().second->entries.size();
    kept_.erase(order_.front().first);
    order_.pop_front();
  }
}

}  // namespace kiln::worker
