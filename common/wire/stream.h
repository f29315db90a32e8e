// Frames over a byte stream: the UNIX socket between launcher and agent.
//
// A message is u32 `length` of what follows, u32 `count` of frames, then `count` times u32 length
// and that many bytes; all numbers big-endian.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/wire/codec.h"

namespace kiln::wire {

// What a reader of a stream takes before it gives up on the peer.
struct StreamLimits {
  std::size_t message_bytes = std::size_t{1} << 30;
  std::size_t frames = std::size_t{1} << 16;
};

std::string pack_stream(const Frames& frames);

// Takes a stream apart as it arrives. Its memory grows with what arrived, not with what is
// announced.
class StreamDecoder {
 public:
  explicit StreamDecoder(const StreamLimits& limits = {}) : limits_(limits) {}

  // Errc::corrupt or Errc::resource_exhausted end the stream: nothing after them has a meaning.
  Status feed(std::string_view bytes);
  // The next whole message, in order.
  std::optional<Frames> next();

 private:
  Status take_messages();

  StreamLimits limits_;
  std::string buffer_;
  std::size_t taken_ = 0;  // of buffer_
  std::deque<Frames> ready_;
};

// For programs that do one thing at a time. Blocks until all is written; SIGPIPE is not raised.
// Errc::unavailable when the peer has closed.
Status send_message(int fd, const Message& message, const Frames& raw = {});

// Blocks until a whole message is there. Errc::unavailable when the peer closes first.
Result<Envelope> receive_message(int fd, const StreamLimits& limits = {});

}  // namespace kiln::wire
