#include "common/wire/relay_frame.h"

#include <cstddef>

#include "common/wire/messages.h"

namespace kiln::wire {
namespace {

constexpr std::size_t kBytes = 16;

void append(std::string& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = bytes; i > 0; --i) {
    out.push_back(static_cast<char>((value >> (8 * (i - 1))) & 0xffU));
  }
}

std::uint64_t number_in(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

}  // namespace

std::string encode_relay(const RelayFrame& frame) {
  std::string bytes;
  bytes.reserve(kBytes);
  append(bytes, kProtocolVersion, 2);
  append(bytes, static_cast<std::uint64_t>(frame.kind), 2);
  append(bytes, frame.stream, 8);
  append(bytes, frame.amount, 4);
  return bytes;
}

std::optional<RelayFrame> decode_relay(std::string_view bytes) {
  if (bytes.size() != kBytes || number_in(bytes.substr(0, 2)) != kProtocolVersion) {
    return std::nullopt;
  }
  const auto kind = number_in(bytes.substr(2, 2));
  RelayFrame frame;
  if (kind == static_cast<std::uint64_t>(RelayKind::credit)) {
    frame.kind = RelayKind::credit;
  } else if (kind != static_cast<std::uint64_t>(RelayKind::data)) {
    return std::nullopt;
  }
  frame.stream = number_in(bytes.substr(4, 8));
  frame.amount = static_cast<std::uint32_t>(number_in(bytes.substr(12, 4)));
  return frame;
}

}  // namespace kiln::wire
