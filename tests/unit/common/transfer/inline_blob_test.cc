#include "common/transfer/inline_blob.h"

#include <random>

#include <gtest/gtest.h>

namespace kiln::transfer {
namespace {

TEST(InlineBlob, round_trip) {
  for (const auto& content : {std::string(), std::string("short"), std::string(5000, 'x')}) {
    const auto frame = encode_frame(content);
    EXPECT_EQ(*decode_frame(frame.bytes, frame.encoding, content.size(), 5000), content);
    EXPECT_EQ(describe_blob(digest_of(content), content.size(), frame).encoding, frame.encoding);
  }
  EXPECT_EQ(encode_frame(std::string(5000, 'x')).encoding, wire::Encoding::zstd);
  EXPECT_EQ(encode_frame("short").encoding, wire::Encoding::raw);
}

TEST(InlineBlob, is_compressed_only_when_that_shrinks_it) {
  std::mt19937_64 random(7);
  std::string noise(60'000, '\0');
  for (auto& c : noise) c = static_cast<char>(random());
  FrameCodec codec;
  EXPECT_EQ(codec.encode(noise).encoding, wire::Encoding::raw);
  EXPECT_EQ(codec.encode(noise + noise).encoding, wire::Encoding::raw);
  const auto half = noise + std::string(60'000, 'x');
  EXPECT_EQ(codec.encode(half.substr(30'000, 60'000)).encoding, wire::Encoding::zstd)
      << "small ones are tried as a whole, however they begin";
  EXPECT_EQ(codec.encode(std::string(200'000, 'x')).encoding, wire::Encoding::zstd);
}

TEST(InlineBlob, refuses_other_sizes_than_announced_and_allowed) {
  EXPECT_EQ(decode_frame("abc", wire::Encoding::raw, 4, 10).error().code, Errc::corrupt);
  EXPECT_EQ(decode_frame("abc", wire::Encoding::raw, 3, 2).error().code, Errc::resource_exhausted);
  const auto frame = encode_frame(std::string(5000, 'x'));
  EXPECT_EQ(decode_frame(frame.bytes, frame.encoding, 4999, 9999).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace kiln::transfer
