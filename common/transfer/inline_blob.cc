#include "common/transfer/inline_blob.h"

#include <utility>

#include "common/store/compression.h"

namespace kiln::transfer {
namespace {

constexpr std::size_t kWorthTrying = 128;  // bytes; below, zstd's own framing eats the gain

}  // namespace

EncodedFrame encode_frame(std::string content) {
  if (content.size() >= kWorthTrying && store::shrinks(content)) {
    return {wire::Encoding::zstd, store::compress(content)};
  }
  return {wire::Encoding::raw, std::move(content)};
}

Result<std::string> decode_frame(std::string_view frame, wire::Encoding encoding,
                                 std::uint64_t size, std::uint64_t limit_bytes) {
  if (size > limit_bytes) {
    return fail(Errc::resource_exhausted, "a frame announces " + std::to_string(size) +
                                              " bytes, more than the " +
                                              std::to_string(limit_bytes) + " that are allowed");
  }
  if (encoding == wire::Encoding::zstd) return store::decompress(frame, size);
  if (frame.size() == size) return std::string(frame);
  return fail(Errc::corrupt, "a frame announced with " + std::to_string(size) + " bytes has " +
                                 std::to_string(frame.size()));
}

wire::InlineBlob describe_blob(const Digest& digest, std::uint64_t size,
                               const EncodedFrame& frame) {
  wire::InlineBlob blob;
  blob.digest = digest;
  blob.size = size;
  blob.encoding = frame.encoding;
  return blob;
}

}  // namespace kiln::transfer
