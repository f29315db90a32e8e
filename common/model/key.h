// Keys of Curve25519, as ZeroMQ's CURVE takes them, and what their owners may do.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <string.h>

namespace kiln {

inline constexpr std::size_t kKeyBytes = 32;

struct PublicKey {
  std::array<std::uint8_t, kKeyBytes> bytes{};
  friend auto operator<=>(const PublicKey&, const PublicKey&) = default;
};

// Forgotten, not only freed, at its end.
class SecretKey {
 public:
  SecretKey() = default;
  explicit SecretKey(const std::array<std::uint8_t, kKeyBytes>& bytes) : bytes_(bytes) {}
  SecretKey(const SecretKey&) = default;
  SecretKey& operator=(const SecretKey&) = default;
  ~SecretKey() { ::explicit_bzero(bytes_.data(), bytes_.size()); }

  const std::array<std::uint8_t, kKeyBytes>& bytes() const { return bytes_; }

 private:
  std::array<std::uint8_t, kKeyBytes> bytes_{};
};

struct KeyPair {
  PublicKey public_key;
  SecretKey secret_key;
};

// What the owner of a key may do. A coordinator's key is what the others know the farm by.
enum class KeyRole : std::uint8_t {
  client,       // compile, look, make pools and warm them
  worker,       // serve tasks, and fetch blobs of other workers
  admin,        // what a client may, and change the farm: drain, resize, delete
  coordinator,  // none of these: it is nobody's client
};

// "client", "worker", "admin", "coordinator".
constexpr std::string_view role_name(KeyRole role) {
  switch (role) {
    case KeyRole::client:
      return "client";
    case KeyRole::worker:
      return "worker";
    case KeyRole::admin:
      return "admin";
    case KeyRole::coordinator:
      return "coordinator";
  }
  return "";
}

}  // namespace kiln
