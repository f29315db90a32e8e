#include "common/net/curve.h"

#include <charconv>
#include <cstddef>

namespace kiln::net {

std::string user_id(const PublicKey& key) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string id;
  for (const auto byte : key.bytes) {
    id += digits[byte >> 4U];
    id += digits[byte & 15U];
  }
  return id;
}

std::optional<PublicKey> key_of_user(std::string_view id) {
  PublicKey key;
  if (id.size() != 2 * key.bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < key.bytes.size(); ++i) {
    const char* const digits = id.data() + 2 * i;
    const auto [end, error] = std::from_chars(digits, digits + 2, key.bytes[i], 16);
    if (error != std::errc() || end != digits + 2) return std::nullopt;
  }
  return key;
}

}  // namespace kiln::net
