// One end of a stream through a coordinator: messages to pieces of bytes and back, under credits
// that the receiving end grants, so that a slow receiver costs nobody on the way any memory. Pure:
// whoever owns it carries the pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/wire/codec.h"
#include "common/wire/stream.h"

namespace kiln::net {

struct RelayLimits {
  std::size_t piece_bytes = std::size_t{64} << 10;
  std::uint32_t window_bytes = std::uint32_t{1} << 20;  // granted and not yet taken
  std::size_t queue_bytes = std::size_t{64} << 20;      // of messages that wait for credit
  std::size_t message_bytes = std::size_t{80} << 20;    // received
};

class RelayStream {
 public:
  explicit RelayStream(const RelayLimits& limits = {});

  // What the other end is told in RelayOpen that it may send.
  std::uint32_t first_credit() const { return limits_.window_bytes; }

  // Errc::resource_exhausted: the other end does not read and the queue is full; nothing was
  // queued.
  Status send(const wire::Frames& message);
  // The other end takes so many bytes more. Errc::corrupt when nobody grants that much.
  Status credited(std::uint32_t bytes);
  // What may go now, at most a piece; nothing: wait for credit, or for something to send.
  std::optional<std::string> next_piece();
  std::size_t queued_bytes() const { return queued_; }

  // Takes in a piece. Errors end the stream: Errc::corrupt when it is larger than what was granted,
  // or no stream of messages, Errc::resource_exhausted when a message is too large.
  Status receive(std::string_view piece);
  // The next whole message, in order.
  std::optional<wire::Frames> next_message() { return decoder_.next(); }
  // Bytes to grant to the other end now; 0: it has enough. Counts them as granted.
  std::uint32_t take_credit();

 private:
  RelayLimits limits_;
  std::deque<std::string> queue_;
  std::size_t sent_ = 0;  // of the queue's first
  std::size_t queued_ = 0;
  std::uint64_t credit_ = 0;   // that the other end has granted and we have not used
  std::uint64_t granted_ = 0;  // that we have granted and the other end has not used
  wire::StreamDecoder decoder_;
};

}  // namespace kiln::net
