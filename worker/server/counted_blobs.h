// Counts the bytes of blobs on their way, as they travel.
#pragma once

#include <memory>

#include "common/metrics/registry.h"
#include "common/net/blob_io.h"

namespace kiln::worker {

// What both stand before must outlive them and their readers or writers.
class CountedSource final : public net::BlobSource {
 public:
  CountedSource(net::BlobSource& source, metrics::Counter bytes) : source_(source), bytes_(bytes) {}
  Result<std::unique_ptr<net::BlobReader>> open(const Digest& digest) override;

 private:
  net::BlobSource& source_;
  metrics::Counter bytes_;
};

class CountedSink final : public net::BlobSink {
 public:
  CountedSink(net::BlobSink& sink, metrics::Counter bytes) : sink_(sink), bytes_(bytes) {}
  Result<std::unique_ptr<net::BlobWriter>> begin(const Digest& digest, std::uint64_t size,
                                                 wire::Encoding encoding) override;

 private:
  net::BlobSink& sink_;
  metrics::Counter bytes_;
};

}  // namespace kiln::worker
