#include "worker/server/counted_blobs.h"

#include <utility>

namespace kiln::worker {
namespace {

class CountedReader final : public net::BlobReader {
 public:
  CountedReader(std::unique_ptr<net::BlobReader> reader, metrics::Counter bytes)
      : reader_(std::move(reader)), bytes_(bytes) {}
  std::uint64_t size() const override { return reader_->size(); }
  wire::Encoding encoding() const override { return reader_->encoding(); }
  Result<std::string> read(std::size_t max_bytes) override {
    auto part = reader_->read(max_bytes);
    if (part) bytes_.add(static_cast<double>(part->size()));
    return part;
  }

 private:
  std::unique_ptr<net::BlobReader> reader_;
  metrics::Counter bytes_;
};

class CountedWriter final : public net::BlobWriter {
 public:
  CountedWriter(std::unique_ptr<net::BlobWriter> writer, metrics::Counter bytes)
      : writer_(std::move(writer)), bytes_(bytes) {}
  Status write(std::string_view encoded) override {
    bytes_.add(static_cast<double>(encoded.size()));
    return writer_->write(encoded);
  }
  Status finish() override { return writer_->finish(); }

 private:
  std::unique_ptr<net::BlobWriter> writer_;
  metrics::Counter bytes_;
};

}  // namespace

Result<std::unique_ptr<net::BlobReader>> CountedSource::open(const Digest& digest) {
  KILN_TRY_ASSIGN(auto reader, source_.open(digest));
  std::unique_ptr<net::BlobReader> counted =
      std::make_unique<CountedReader>(std::move(reader), bytes_);
  return counted;
}

Result<std::unique_ptr<net::BlobWriter>> CountedSink::begin(const Digest& digest,
                                                            std::uint64_t size,
                                                            wire::Encoding encoding) {
  KILN_TRY_ASSIGN(auto writer, sink_.begin(digest, size, encoding));
  if (!writer) return writer;
  std::unique_ptr<net::BlobWriter> counted =
      std::make_unique<CountedWriter>(std::move(writer), bytes_);
  return counted;
}

}  // namespace kiln::worker
