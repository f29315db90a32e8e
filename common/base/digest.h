// A SHA-256 digest: the name of every blob, tree and toolchain.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace kiln {

struct Digest {
  std::array<std::uint8_t, 32> bytes{};

  // All zero: "no digest". No content is known to hash to it.
  bool empty() const { return *this == Digest{}; }
  // 64 lower-case hexadecimal digits.
  std::string hex() const;
  // The first 12 digits, for logs and listings.
  std::string short_hex() const;

  friend auto operator<=>(const Digest&, const Digest&) = default;
};

// Reads what Digest::hex wrote; Errc::invalid_argument for anything else.
Result<Digest> parse_digest(std::string_view hex);

using ByteSpan = std::span<const std::byte>;

inline ByteSpan as_byte_span(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// SHA-256 of `content` in one go.
Digest digest_of(ByteSpan content);
inline Digest digest_of(std::string_view content) {
  return digest_of(as_byte_span(content));
}

// SHA-256 of content that arrives in parts.
class DigestBuilder {
 public:
  DigestBuilder();
  DigestBuilder(DigestBuilder&&) noexcept;
  DigestBuilder& operator=(DigestBuilder&&) noexcept;
  ~DigestBuilder();

  void add(ByteSpan part);
  // The digest of all parts so far; the builder starts afresh.
  Digest finish();

 private:
  struct Deleter {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Deleter> context_;
};

}  // namespace kiln

template <>
struct std::hash<kiln::Digest> {
  std::size_t operator()(const kiln::Digest& digest) const noexcept {
    std::size_t value = 0;
    std::memcpy(&value, digest.bytes.data(), sizeof value);
    return value;
  }
};
