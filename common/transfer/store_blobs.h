// The blob store as both ends of bulk transfers. Blobs travel as zstd when a sample of their
// beginning says that this shrinks them, else as they are.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "common/base/digest.h"
#include "common/base/result.h"
#include "common/net/blob_io.h"
#include "common/store/blob_store.h"

namespace kiln::transfer {

// Serves what the store has. A blob is pinned while it is read.
class StoreSource final : public net::BlobSource {
 public:
  // `store` must outlive the source and its readers.
  explicit StoreSource(store::BlobStore& store) : store_(store) {}
  Result<std::unique_ptr<net::BlobReader>> open(const Digest& digest) override;

 private:
  store::BlobStore& store_;
};

// Stores what arrives, verified.
class StoreSink final : public net::BlobSink {
 public:
  // Called on the thread of the transfer with each blob that arrived or was there already: keep the
  // Pin until the blob was used.
  using Stored = std::function<void(store::Pin)>;

  // Called likewise, before the transfer ends, with each blob that was offered and is not kept.
  using Failed = std::function<void(const Digest&, const Error&)>;

  // `store` must outlive the sink and its writers.
  explicit StoreSink(store::BlobStore& store, Stored stored = {}, Failed failed = {})
      : store_(store), stored_(std::move(stored)), failed_(std::move(failed)) {}
  Result<std::unique_ptr<net::BlobWriter>> begin(const Digest& digest, std::uint64_t size,
                                                 wire::Encoding encoding) override;

 private:
  store::BlobStore& store_;
  Stored stored_;
  Failed failed_;
};

}  // namespace kiln::transfer
