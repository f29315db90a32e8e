#include "common/store/compression.h"

#include <random>

#include <gtest/gtest.h>

namespace kiln::store {
namespace {

std::string noise(std::size_t bytes) {
  std::mt19937_64 random(7);
  std::string content(bytes, '\0');
  for (auto& c : content) c = static_cast<char>(random());
  return content;
}

TEST(Compression, round_trip) {
  for (const auto& content :
       {std::string(), std::string("x"), std::string(3'000'000, 'x'), noise(700'000)}) {
    EXPECT_EQ(*decompress(compress(content), content.size()), content);
  }
}

TEST(Compression, one_encoder_serves_many_strings_whatever_went_before) {
  Zstd zstd;
  const auto text = std::string(3'000, 'x');
  for (const auto& content : {text, noise(70'000), std::string(), text}) {
    EXPECT_EQ(zstd.compress(content), compress(content));
    EXPECT_FALSE(zstd.decompress("no frame", 8));
    EXPECT_EQ(*zstd.decompress(compress(content), content.size()), content);
  }
  const std::string large(std::size_t{20} << 20U, 'x');
  EXPECT_TRUE(zstd.decompress(compress(large), large.size()) == large);
  EXPECT_EQ(zstd.decompress(compress(large), large.size() + 1).error().code, Errc::corrupt);
}

TEST(Compression, refuses_another_size_than_announced) {
  const auto encoded = compress(std::string(1000, 'x'));
  EXPECT_EQ(decompress(encoded, 999).error().code, Errc::corrupt);
  EXPECT_EQ(decompress(encoded, 1001).error().code, Errc::corrupt);
}

TEST(Compression, refuses_what_is_not_one_whole_frame) {
  const auto encoded = compress("content");
  EXPECT_EQ(decompress("content", 7).error().code, Errc::corrupt);
  EXPECT_EQ(decompress("", 0).error().code, Errc::corrupt);
  EXPECT_EQ(decompress(encoded.substr(0, encoded.size() - 1), 7).error().code, Errc::corrupt);
  EXPECT_EQ(decompress(encoded + "x", 7).error().code, Errc::corrupt);
  EXPECT_EQ(decompress(encoded + encoded, 14).error().code, Errc::corrupt);
}

TEST(Compression, a_bomb_stops_at_the_announced_size) {
  const auto bomb = compress(std::string(std::size_t{64} << 20U, '\0'));
  EXPECT_EQ(decompress(bomb, 1000).error().code, Errc::corrupt);
}

TEST(Compression, streams_in_any_parts) {
  const auto content = noise(100'000) + std::string(900'000, 'y');
  std::string encoded;
  const Consume collect = [&encoded](std::string_view part) -> Status {
    encoded += part;
    return {};
  };
  Compressor compressor;
  for (std::size_t at = 0; at < content.size(); at += 70'001) {
    ASSERT_TRUE(compressor.add(std::string_view(content).substr(at, 70'001), collect));
  }
  ASSERT_TRUE(compressor.finish(collect));
  EXPECT_EQ(*decompress(encoded, content.size()), content);

  std::string decoded;
  Decompressor decompressor(content.size());
  for (const char c : encoded) {
    ASSERT_TRUE(decompressor.add({&c, 1}, [&decoded](std::string_view part) -> Status {
      decoded += part;
      return {};
    }));
  }
  ASSERT_TRUE(decompressor.finish());
  EXPECT_EQ(decoded, content);
}

TEST(Compression, the_consumer_can_stop_a_stream) {
  Decompressor decompressor(1000);
  const auto status = decompressor.add(compress(std::string(1000, 'x')), [](std::string_view) {
    return Status(fail(Errc::resource_exhausted, "full"));
  });
  EXPECT_EQ(status.error().code, Errc::resource_exhausted);
}

TEST(Compression, tells_text_from_noise) {
  EXPECT_TRUE(shrinks(std::string(10'000, 'x')));
  EXPECT_FALSE(shrinks(noise(10'000)));
  EXPECT_FALSE(shrinks(""));
}

}  // namespace
}  // namespace kiln::store
