#include "common/base/digest.h"

#include <openssl/evp.h>

namespace kiln {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

int value_of(char digit) {
  const auto at = kHexDigits.find(digit);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

EVP_MD_CTX* context_of(void* context) {
  return static_cast<EVP_MD_CTX*>(context);
}

}  // namespace

std::string Digest::hex() const {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const auto byte : bytes) {
    text.push_back(kHexDigits[byte >> 4U]);
    text.push_back(kHexDigits[byte & 15U]);
  }
  return text;
}

std::string Digest::short_hex() const {
  return hex().substr(0, 12);
}

Result<Digest> parse_digest(std::string_view hex) {
  Digest digest;
  if (hex.size() != digest.bytes.size() * 2) {
    return fail(Errc::invalid_argument, "a digest has 64 hexadecimal digits, not " +
                                            std::to_string(hex.size()) + " characters");
  }
  for (std::size_t i = 0; i < digest.bytes.size(); ++i) {
    const int high = value_of(hex[2 * i]);
    const int low = value_of(hex[2 * i + 1]);
    if (high < 0 || low < 0) {
      return fail(Errc::invalid_argument,
                  "a digest has lower-case hexadecimal digits only: " + std::string(hex));
    }
    digest.bytes.at(i) = static_cast<std::uint8_t>(high * 16 + low);
  }
  return digest;
}

Digest digest_of(ByteSpan content) {
  Digest digest;
  EVP_Digest(content.data(), content.size(), digest.bytes.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}

void DigestBuilder::Deleter::operator()(void* context) const {
  EVP_MD_CTX_free(context_of(context));
}

DigestBuilder::DigestBuilder() : context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(context_of(context_.get()), EVP_sha256(), nullptr);
}
DigestBuilder::DigestBuilder(DigestBuilder&&) noexcept = default;
DigestBuilder& DigestBuilder::operator=(DigestBuilder&&) noexcept = default;
DigestBuilder::~DigestBuilder() = default;

void DigestBuilder::add(ByteSpan part) {
  EVP_DigestUpdate(context_of(context_.get()), part.data(), part.size());
}

Digest DigestBuilder::finish() {
  Digest digest;
  auto* context = context_of(context_.get());
  EVP_DigestFinal_ex(context, digest.bytes.data(), nullptr);
  EVP_DigestInit_ex(context, EVP_sha256(), nullptr);
  return digest;
}

}  // namespace kiln
