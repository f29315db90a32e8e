#include "common/transfer/inline_blob.h"

#include <utility>

namespace kiln::transfer {
namespace {

constexpr std::size_t kWorthTrying = 128;  // bytes; below, zstd's own framing eats the gain
// Up to this size the whole content is tried, beyond it a sample of its beginning.
constexpr std::size_t kTriedWhole = std::size_t{64} << 10U;

}  // namespace

EncodedFrame FrameCodec::encode(std::string content) {
  const std::size_t size = content.size();
  if (size < kWorthTrying || (size > kTriedWhole && !store::shrinks(content))) {
    return {wire::Encoding::raw, std::move(content)};
  }
  auto encoded = zstd_.compress(content);
  if (encoded.size() > size - size / 8) return {wire::Encoding::raw, std::move(content)};
  return {wire::Encoding::zstd, std::move(encoded)};
}

Result<std::string> FrameCodec::decode(std::string_view frame, wire::Encoding encoding,
                                       std::uint64_t size, std::uint64_t limit_bytes) {
  if (size > limit_bytes) {
    return fail(Errc::resource_exhausted, "a frame announces " + std::to_string(size) +
                                              " bytes, more than the " +
                                              std::to_string(limit_bytes) + " that are allowed");
  }
  if (encoding == wire::Encoding::zstd) return zstd_.decompress(frame, size);
  if (frame.size() == size) return std::string(frame);
  return fail(Errc::corrupt, "a frame announced with " + std::to_string(size) + " bytes has " +
                                 std::to_string(frame.size()));
}

EncodedFrame encode_frame(std::string content) {
  return FrameCodec().encode(std::move(content));
}

Result<std::string> decode_frame(std::string_view frame, wire::Encoding encoding,
                                 std::uint64_t size, std::uint64_t limit_bytes) {
  return FrameCodec().decode(frame, encoding, size, limit_bytes);
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
