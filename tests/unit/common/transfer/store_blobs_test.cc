#include "common/transfer/store_blobs.h"

#include <random>

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"

namespace kiln::transfer {
namespace {

std::string noise(std::size_t bytes) {
  std::mt19937_64 random(7);
  std::string content(bytes, '\0');
  for (auto& c : content) c = static_cast<char>(random());
  return content;
}

struct Encoded {
  wire::Encoding encoding = wire::Encoding::raw;
  std::string bytes;
};

class StoreBlobs : public testing::Test {
 protected:
  std::unique_ptr<store::BlobStore> open(const char* name, std::uint64_t limit_bytes = 0) {
    return std::move(*store::BlobStore::open({directory_.path() / name, limit_bytes, nullptr}));
  }
  static Encoded send(net::BlobSource& source, const Digest& digest, std::size_t step) {
    auto reader = *source.open(digest);
    Encoded sent{reader->encoding(), {}};
    while (true) {
      const auto part = *reader->read(step);
      EXPECT_LE(part.size(), step);
      if (part.empty()) return sent;
      sent.bytes += part;
    }
  }

 private:
  test_support::TemporaryDirectory directory_;
};

TEST_F(StoreBlobs, travel_from_store_to_store) {
  const auto from = open("from");
  const auto to = open("to");
  StoreSource source(*from);
  std::vector<store::Pin> arrived;
  StoreSink sink(*to, [&arrived](store::Pin pin) { arrived.push_back(std::move(pin)); });
  for (const auto& content :
       {std::string(), std::string("x"), noise(500'000), std::string(9'000'000, 'z'),
        noise(10'000) + std::string(90'000, 'y')}) {
    const auto digest = from->put(content)->digest();
    const auto sent = send(source, digest, 4096);
    auto writer = *sink.begin(digest, content.size(), sent.encoding);
    ASSERT_NE(writer, nullptr);
    for (std::size_t at = 0; at < sent.bytes.size(); at += 5000) {
      ASSERT_TRUE(writer->write(std::string_view(sent.bytes).substr(at, 5000)));
    }
    ASSERT_TRUE(writer->finish());
    EXPECT_EQ(*to->read(digest), content);
  }
  EXPECT_EQ(arrived.size(), 5U);
}

TEST_F(StoreBlobs, are_compressed_when_that_shrinks_them) {
  const auto store = open("store");
  StoreSource source(*store);
  const auto text = send(source, store->put(std::string(100'000, 'x'))->digest(), 1 << 18);
  EXPECT_EQ(text.encoding, wire::Encoding::zstd);
  EXPECT_LT(text.bytes.size(), 1000U);
  EXPECT_EQ(send(source, store->put(noise(100'000))->digest(), 1 << 18).encoding,
            wire::Encoding::raw);
}

TEST_F(StoreBlobs, that_are_not_there_are_not_found) {
  const auto store = open("store");
  EXPECT_EQ(StoreSource(*store).open(digest_of("x")).error().code, Errc::not_found);
}

TEST_F(StoreBlobs, that_are_there_already_are_not_wanted) {
  const auto store = open("store");
  ASSERT_TRUE(store->put("content"));
  int arrived = 0;
  StoreSink sink(*store, [&arrived](const store::Pin&) { ++arrived; });
  EXPECT_EQ(*sink.begin(digest_of("content"), 7, wire::Encoding::raw), nullptr);
  EXPECT_EQ(arrived, 1);
}

TEST_F(StoreBlobs, that_are_not_as_announced_are_not_kept) {
  const auto store = open("store");
  StoreSink sink(*store);
  auto wrong = *sink.begin(digest_of("a"), 1, wire::Encoding::raw);
  ASSERT_TRUE(wrong->write("b"));
  EXPECT_EQ(wrong->finish().error().code, Errc::corrupt);
  auto no_zstd = *sink.begin(digest_of("a"), 1, wire::Encoding::zstd);
  EXPECT_EQ(no_zstd->write("bbbbbbbbbbbbbbb").error().code, Errc::corrupt);
  auto cut_short = *sink.begin(digest_of("a"), 1, wire::Encoding::zstd);
  EXPECT_EQ(cut_short->finish().error().code, Errc::corrupt);
  EXPECT_EQ(store->counters().blobs, 0U);
}

TEST_F(StoreBlobs, that_do_not_fit_are_refused_before_they_travel) {
  const auto store = open("store", 100);
  const auto begun = StoreSink(*store).begin(digest_of("a"), 101, wire::Encoding::raw);
  EXPECT_EQ(begun.error().code, Errc::resource_exhausted);
}

TEST_F(StoreBlobs, whoever_waits_for_one_is_told_that_it_was_not_kept) {
  const auto store = open("store", 100);
  std::vector<std::pair<Digest, Errc>> failed;
  StoreSink sink(*store, {}, [&failed](const Digest& digest, const Error& error) {
    failed.emplace_back(digest, error.code);
  });
  EXPECT_FALSE(sink.begin(digest_of("large"), 101, wire::Encoding::raw));
  EXPECT_FALSE((*sink.begin(digest_of("a"), 1, wire::Encoding::raw))->write("aa"));
  EXPECT_FALSE((*sink.begin(digest_of("b"), 1, wire::Encoding::raw))->finish());
  EXPECT_EQ(failed,
            (std::vector<std::pair<Digest, Errc>>{{digest_of("large"), Errc::resource_exhausted},
                                                  {digest_of("a"), Errc::corrupt},
                                                  {digest_of("b"), Errc::corrupt}}));
}

}  // namespace
}  // namespace kiln::transfer
