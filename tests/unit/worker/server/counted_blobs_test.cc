#include "worker/server/counted_blobs.h"

#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace kiln::worker {
namespace {

// Has one blob, in two pieces, and keeps what comes.
class TwoPieces final : public net::BlobSource, public net::BlobSink {
 public:
  Result<std::unique_ptr<net::BlobReader>> open(const Digest&) override {
    if (!here) return fail(Errc::not_found, "there is none");
    std::unique_ptr<net::BlobReader> reader = std::make_unique<Reader>();
    return reader;
  }
  Result<std::unique_ptr<net::BlobWriter>> begin(const Digest&, std::uint64_t,
                                                 wire::Encoding) override {
    std::unique_ptr<net::BlobWriter> writer;
    if (!here) writer = std::make_unique<Writer>(came);
    return writer;
  }
  bool here = true;
  std::string came;

 private:
  class Reader final : public net::BlobReader {
   public:
    std::uint64_t size() const override { return 5; }
    wire::Encoding encoding() const override { return wire::Encoding::raw; }
    Result<std::string> read(std::size_t) override {
      static constexpr const char* kPieces[] = {"abc", "de", ""};
      return std::string(kPieces[next_++]);
    }

   private:
    int next_ = 0;
  };
  class Writer final : public net::BlobWriter {
   public:
    explicit Writer(std::string& came) : came_(came) {}
    Status write(std::string_view encoded) override {
      came_ += encoded;
      return {};
    }
    Status finish() override { return {}; }

   private:
    std::string& came_;
  };
};

TEST(CountedBlobs, counts_what_is_read) {
  metrics::Registry registry;
  auto bytes = registry.counter("kiln_bytes_total", "Bytes.");
  TwoPieces blobs;
  CountedSource source(blobs, bytes);
  const auto reader = source.open(Digest{});
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader)->size(), 5U);
  EXPECT_EQ((*reader)->encoding(), wire::Encoding::raw);
  while (!(*reader)->read(3)->empty()) {
  }
  EXPECT_EQ(bytes.value(), 5);
  blobs.here = false;
  EXPECT_EQ(source.open(Digest{}).error().code, Errc::not_found);
}

TEST(CountedBlobs, counts_what_is_written_and_nothing_where_nothing_is_needed) {
  metrics::Registry registry;
  auto bytes = registry.counter("kiln_bytes_total", "Bytes.");
  TwoPieces blobs;
  CountedSink sink(blobs, bytes);
  EXPECT_EQ(*sink.begin(Digest{}, 5, wire::Encoding::raw), nullptr);
  blobs.here = false;
  const auto writer = sink.begin(Digest{}, 5, wire::Encoding::raw);
  ASSERT_TRUE(writer);
  EXPECT_TRUE((*writer)->write("abc"));
  EXPECT_TRUE((*writer)->write("de"));
  EXPECT_TRUE((*writer)->finish());
  EXPECT_EQ(blobs.came, "abcde");
  EXPECT_EQ(bytes.value(), 5);
}

}  // namespace
}  // namespace kiln::worker
