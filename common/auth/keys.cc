#include "common/auth/keys.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <sodium.h>

#include "common/model/key.h"

namespace kiln::auth {
namespace {

using Bytes = std::array<std::uint8_t, kKeyBytes>;

static_assert(kKeyBytes == crypto_box_PUBLICKEYBYTES);
static_assert(kKeyBytes == crypto_box_SECRETKEYBYTES);

constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;
constexpr std::size_t kTextSize = 4 * ((kKeyBytes + 2) / 3);  // with its padding
constexpr std::size_t kMostNameCharacters = 64;

std::string text_of(const Bytes& bytes) {
  std::string text(kTextSize + 1, '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), kVariant);
  text.pop_back();
  return text;
}

// Strict, also about the bits that the last character has to spare: each key has one text.
bool read_text(std::string_view text, Bytes& bytes) {
  std::size_t size = 0;
  return text.size() == kTextSize &&
         sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size,
                           nullptr, kVariant) == 0 &&
         size == bytes.size();
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

Result<KeyPair> make_key_pair() {
  if (sodium_init() < 0) {
    return fail(Errc::internal, "cannot make a key: libsodium did not start");
  }
  PublicKey public_key;
  Bytes secret{};
  crypto_box_keypair(public_key.bytes.data(), secret.data());
  KeyPair pair{public_key, SecretKey(secret)};
  sodium_memzero(secret.data(), secret.size());
  return pair;
}

PublicKey public_key_of(const SecretKey& secret) {
  PublicKey key;
  crypto_scalarmult_base(key.bytes.data(), secret.bytes().data());
  return key;
}

std::string key_text(const PublicKey& key) {
  return text_of(key.bytes);
}

std::string secret_text(const SecretKey& secret) {
  return text_of(secret.bytes());
}

Result<PublicKey> parse_public_key(std::string_view text) {
  PublicKey key;
  if (read_text(text, key.bytes)) return key;
  return fail(Errc::invalid_argument,
              "that is no public key: one has 44 characters, the last of which is =, as kiln keys "
              "list shows them");
}

Result<SecretKey> parse_secret_key(std::string_view text) {
  Bytes bytes{};
  if (!read_text(text, bytes)) {
    return fail(Errc::invalid_argument,
                "that is no secret key: one has 44 characters, the last of which is =");
  }
  SecretKey secret(bytes);
  sodium_memzero(bytes.data(), bytes.size());
  return secret;
}

Result<KeyRole> parse_role(std::string_view name) {
  for (const auto role : {KeyRole::client, KeyRole::worker, KeyRole::admin, KeyRole::coordinator}) {
    if (role_name(role) == name) return role;
  }
  return fail(Errc::invalid_argument, "the roles are client, worker, admin and coordinator");
}

Status check_key_name(std::string_view name) {
  const bool fits = !name.empty() && name.size() <= kMostNameCharacters &&
                    std::all_of(name.begin(), name.end(), is_name_character);
  if (fits && name.front() != '-' && name.front() != '.') return {};
  return fail(Errc::invalid_argument,
              "a key's name has 1 to 64 letters, digits and ._-, and begins with a letter, a digit "
              "or _");
}

}  // namespace kiln::auth
