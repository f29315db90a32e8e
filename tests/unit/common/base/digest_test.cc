#include "common/base/digest.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

constexpr std::string_view kAbc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";  // FIPS 180-2, B.1

TEST(Digest, is_sha256) {
  EXPECT_EQ(digest_of("abc").hex(), kAbc);
}

TEST(Digest, builder_equals_one_go_and_starts_afresh) {
  DigestBuilder builder;
  for (int round = 0; round < 2; ++round) {
    builder.add(as_byte_span("a"));
    builder.add(as_byte_span("bc"));
    EXPECT_EQ(builder.finish().hex(), kAbc);
  }
}

TEST(Digest, parses_its_own_text) {
  EXPECT_EQ(*parse_digest(kAbc), digest_of("abc"));
}

TEST(Digest, refuses_wrong_length_and_wrong_digits) {
  EXPECT_EQ(parse_digest("ab").error().code, Errc::invalid_argument);
  EXPECT_EQ(parse_digest(std::string(64, 'G')).error().code, Errc::invalid_argument);
  EXPECT_EQ(parse_digest(std::string(64, 'A')).error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace kiln
