// Small contents that travel as one raw frame beside a message: inline blobs, and a task's output
// streams.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/digest.h"
#include "common/base/result.h"
#include "common/store/compression.h"
#include "common/wire/messages.h"

namespace kiln::transfer {

struct EncodedFrame {
  wire::Encoding encoding = wire::Encoding::raw;
  std::string bytes;
};

// Encodes and decodes frames, several faster than each by its own codec. Used by one thread at a
// time.
class FrameCodec {
 public:
  // zstd when that shrinks it by at least an eighth, else the content itself.
  EncodedFrame encode(std::string content);

  // The content of a frame. Errc::corrupt unless it has `size` bytes, Errc::resource_exhausted when
  // `size` is above `limit_bytes`.
  Result<std::string> decode(std::string_view frame, wire::Encoding encoding, std::uint64_t size,
                             std::uint64_t limit_bytes);

 private:
  store::Zstd zstd_;
};

// The same for a single frame.
EncodedFrame encode_frame(std::string content);
Result<std::string> decode_frame(std::string_view frame, wire::Encoding encoding,
                                 std::uint64_t size, std::uint64_t limit_bytes);

// What a message says of a blob whose frame is `frame`.
wire::InlineBlob describe_blob(const Digest& digest, std::uint64_t size, const EncodedFrame& frame);

}  // namespace kiln::transfer
