// The routing frame of what travels through a coordinator: fixed, and all that it reads of it.
//
// 16 bytes, big-endian: u16 protocol version, u16 kind, u64 stream, u32 amount. Kinds are apart
// from those of messages (codec.h), and frame 1 is the piece of the stream, if the kind has one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kiln::wire {

enum class RelayKind : std::uint16_t {
  data = 0xff01,    // one raw frame follows: the next bytes of the stream
  credit = 0xff02,  // `amount` more bytes of the stream will be taken
};

struct RelayFrame {
  RelayKind kind = RelayKind::data;
  std::uint64_t stream = 0;  // its number on this connection
  std::uint32_t amount = 0;
  friend bool operator==(const RelayFrame&, const RelayFrame&) = default;
};

std::string encode_relay(const RelayFrame& frame);

// Nothing for frame 0 of anything else, other versions included: decode() says what that is.
std::optional<RelayFrame> decode_relay(std::string_view bytes);

}  // namespace kiln::wire
