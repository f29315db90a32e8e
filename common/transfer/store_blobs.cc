#include "common/transfer/store_blobs.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include <unistd.h>

#include "common/store/compression.h"

namespace kiln::transfer {
namespace {

constexpr std::size_t kSampleBytes = std::size_t{64} << 10U;
constexpr std::size_t kInputBytes = std::size_t{128} << 10U;
// What one step compresses at most: a blob of zeros must not hold a thread until a chunk is full.
constexpr std::size_t kStepBytes = std::size_t{4} << 20U;

Result<std::string> read_some(int fd, std::size_t bytes) {
  std::string part(bytes, '\0');
  ssize_t count = 0;
  do {
    count = ::read(fd, part.data(), part.size());
  } while (count < 0 && errno == EINTR);
  if (count < 0) return fail_errno("cannot read a blob", errno);
  part.resize(static_cast<std::size_t>(count));
  return part;
}

class RawReader final : public net::BlobReader {
 public:
  RawReader(store::Pin pin, UniqueFd fd) : pin_(std::move(pin)), fd_(std::move(fd)) {}
  std::uint64_t size() const override { return pin_.size(); }
  wire::Encoding encoding() const override { return wire::Encoding::raw; }
  Result<std::string> read(std::size_t max_bytes) override {
    return read_some(fd_.get(), max_bytes);
  }

 private:
  store::Pin pin_;
  UniqueFd fd_;
};

class ZstdReader final : public net::BlobReader {
 public:
  ZstdReader(store::Pin pin, UniqueFd fd) : pin_(std::move(pin)), fd_(std::move(fd)) {}
  std::uint64_t size() const override { return pin_.size(); }
  wire::Encoding encoding() const override { return wire::Encoding::zstd; }
  Result<std::string> read(std::size_t max_bytes) override {
    std::size_t consumed = 0;
    while (!ended_ && (ready_.empty() || (ready_.size() < max_bytes && consumed < kStepBytes))) {
      KILN_TRY(encode_some());
      consumed += kInputBytes;
    }
    std::string part = ready_.substr(0, max_bytes);
    ready_.erase(0, part.size());
    return part;
  }

 private:
  Status encode_some() {
    const store::Consume collect = [this](std::string_view part) -> Status {
      ready_ += part;
      return {};
    };
    KILN_TRY_ASSIGN(const auto part, read_some(fd_.get(), kInputBytes));
    ended_ = part.empty();
    return ended_ ? compressor_.finish(collect) : compressor_.add(part, collect);
  }

  store::Pin pin_;
  UniqueFd fd_;
  store::Compressor compressor_;
  std::string ready_;  // encoded, not yet taken
  bool ended_ = false;
};

class StoreWriter final : public net::BlobWriter {
 public:
  StoreWriter(const Digest& digest, std::unique_ptr<store::Writer> writer, StoreSink::Stored stored,
              StoreSink::Failed failed)
      : digest_(digest),
        writer_(std::move(writer)),
        stored_(std::move(stored)),
        failed_(std::move(failed)) {}

  void decode(std::uint64_t size) { decompressor_.emplace(size); }

  Status write(std::string_view encoded) override { return told(add(encoded)); }
  Status finish() override { return told(complete()); }

 private:
  Status told(Status status) const {
    if (!status && failed_) failed_(digest_, status.error());
    return status;
  }
  Status add(std::string_view encoded) {
    if (!decompressor_) return writer_->append(encoded);
    return decompressor_->add(encoded,
                              [this](std::string_view part) { return writer_->append(part); });
  }
  Status complete() {
    if (decompressor_) KILN_TRY(decompressor_->finish());
    KILN_TRY_ASSIGN(auto pin, writer_->finish());
    if (stored_) stored_(std::move(pin));
    return {};
  }

  const Digest digest_;
  std::unique_ptr<store::Writer> writer_;
  std::optional<store::Decompressor> decompressor_;
  StoreSink::Stored stored_;
  StoreSink::Failed failed_;
};

}  // namespace

Result<std::unique_ptr<net::BlobReader>> StoreSource::open(const Digest& digest) {
  KILN_TRY_ASSIGN(auto pin, store_.pin(digest));
  KILN_TRY_ASSIGN(auto fd, store_.open(digest));
  KILN_TRY_ASSIGN(const auto sample, read_some(fd.get(), kSampleBytes));
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) return fail_errno("cannot rewind a blob", errno);
  std::unique_ptr<net::BlobReader> reader;
  if (store::shrinks(sample)) {
    reader = std::make_unique<ZstdReader>(std::move(pin), std::move(fd));
  } else {
    reader = std::make_unique<RawReader>(std::move(pin), std::move(fd));
  }
  return reader;
}

Result<std::unique_ptr<net::BlobWriter>> StoreSink::begin(const Digest& digest, std::uint64_t size,
                                                          wire::Encoding encoding) {
  if (auto pin = store_.pin(digest)) {
    if (stored_) stored_(std::move(*pin));
    return std::unique_ptr<net::BlobWriter>();
  }
  auto file = store_.write(digest, size);
  if (!file) {
    if (failed_) failed_(digest, file.error());
    return fail(std::move(file).error());
  }
  auto writer = std::make_unique<StoreWriter>(digest, std::move(*file), stored_, failed_);
  if (encoding == wire::Encoding::zstd) writer->decode(size);
  return std::unique_ptr<net::BlobWriter>(std::move(writer));
}

}  // namespace kiln::transfer
