#include "common/auth/lease_token.h"

#include <array>
#include <concepts>
#include <cstdint>

#include <sodium.h>

#include "common/base/check.h"

namespace kiln::auth {
namespace {

using Key = std::array<unsigned char, crypto_auth_KEYBYTES>;
using Tag = std::array<unsigned char, crypto_auth_BYTES>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// The fields in the order of `describe`, names and lengths included, so that no two leases share
// their bytes and a field added later changes them.
class Canonical {
 public:
  explicit Canonical(std::string& out) : out_(out) {}

  template <typename Field>
  void operator()(std::string_view name, const Field& field) {
    if (name == "token") return;
    put(name);
    if constexpr (std::integral<Field>) {
      put(static_cast<std::uint64_t>(field));
    } else if constexpr (std::convertible_to<Field, std::string_view>) {
      put(std::string_view(field));
    } else {
      Field::describe(field, *this);
    }
  }

 private:
  void put(std::uint64_t number) {
    for (int shift = 56; shift >= 0; shift -= 8) {
      out_.push_back(static_cast<char>((number >> shift) & 0xff));
    }
  }
  void put(std::string_view text) {
    put(static_cast<std::uint64_t>(text.size()));
    out_ += text;
  }

  std::string& out_;
};

std::string canonical(const Lease& lease) {
  std::string out;
  Lease::describe(lease, Canonical(out));
  return out;
}

Key key_of(std::string_view secret) {
  Key key{};
  crypto_generichash(key.data(), key.size(), bytes_of(secret), secret.size(), nullptr, 0);
  return key;
}

}  // namespace

Result<std::string> make_lease_secret() {
  if (sodium_init() < 0) {
    return fail(Errc::internal, "cannot make a lease secret: libsodium did not start");
  }
  std::string secret(32, '\0');
  randombytes_buf(secret.data(), secret.size());
  return secret;
}

std::string sign_lease(const Lease& lease, std::string_view secret) {
  KILN_CHECK(!secret.empty());
  const auto key = key_of(secret);
  const auto text = canonical(lease);
  Tag tag{};
  crypto_auth(tag.data(), bytes_of(text), text.size(), key.data());
  return std::string(tag.begin(), tag.end());
}

bool verify_lease(const Lease& lease, std::string_view secret) {
  if (secret.empty() || lease.token.size() != crypto_auth_BYTES) return false;
  const auto key = key_of(secret);
  const auto text = canonical(lease);
  return crypto_auth_verify(bytes_of(lease.token), bytes_of(text), text.size(), key.data()) == 0;
}

}  // namespace kiln::auth
