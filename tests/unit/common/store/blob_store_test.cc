#include "common/store/blob_store.h"

#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>

#include "common/base/files.h"
#include "tests/support/temporary_directory.h"

namespace kiln::store {
namespace {

namespace fs = std::filesystem;

class BlobStoreTest : public testing::Test {
 protected:
  std::unique_ptr<BlobStore> open(std::uint64_t limit_bytes = 0) {
    auto store = BlobStore::open({directory(), limit_bytes, nullptr});
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  fs::path directory() const { return temporary_.path() / "store"; }
  bool no_temporary_files() const { return fs::is_empty(directory() / "tmp"); }

 private:
  kiln::test_support::TemporaryDirectory temporary_;
};

TEST_F(BlobStoreTest, gives_back_what_was_put) {
  const auto store = open();
  const auto digest = store->put("content")->digest();
  EXPECT_EQ(digest, digest_of("content"));
  EXPECT_TRUE(store->contains(digest));
  EXPECT_EQ(*store->read(digest), "content");
  EXPECT_EQ(*store->size(digest), 7U);
  EXPECT_EQ(*read_all(store->open(digest)->get()), "content");
  EXPECT_EQ(*read_file(store->path(*store->pin(digest))), "content");
}

TEST_F(BlobStoreTest, names_what_it_has_not) {
  const auto store = open();
  const auto missing = store->read(digest_of("x"));
  EXPECT_EQ(missing.error().code, Errc::not_found);
  EXPECT_NE(missing.error().message.find(digest_of("x").hex()), std::string::npos);
  EXPECT_FALSE(store->contains(digest_of("x")));
}

TEST_F(BlobStoreTest, writes_in_parts) {
  const auto store = open();
  const std::string content(600'000, 'x');
  auto writer = *store->write(digest_of(content), content.size());
  ASSERT_TRUE(writer->append(std::string_view(content).substr(0, 100'000)));
  ASSERT_TRUE(writer->append(std::string_view(content).substr(100'000)));
  EXPECT_EQ(writer->finish()->size(), content.size());
  EXPECT_EQ(*store->read(digest_of(content)), content);
}

TEST_F(BlobStoreTest, refuses_content_that_is_not_what_was_announced) {
  const auto store = open();
  EXPECT_EQ(store->put(digest_of("a"), "b").error().code, Errc::corrupt);
  {
    auto writer = *store->write(digest_of("a"));
    ASSERT_TRUE(writer->append("b"));
    EXPECT_EQ(writer->finish().error().code, Errc::corrupt);
    auto shorter = *store->write({}, 2);
    ASSERT_TRUE(shorter->append("b"));
    EXPECT_EQ(shorter->finish().error().code, Errc::corrupt);
    auto longer = *store->write({}, 2);
    EXPECT_EQ(longer->append("bbb").error().code, Errc::corrupt);
  }
  EXPECT_EQ(store->counters().blobs, 0U);
  EXPECT_TRUE(no_temporary_files());
}

TEST_F(BlobStoreTest, an_abandoned_write_leaves_nothing) {
  const auto store = open(100);
  { ASSERT_TRUE((*store->write({}, 100))->append("x")); }
  EXPECT_TRUE(no_temporary_files());
  EXPECT_TRUE(store->put(std::string(100, 'y')));
}

TEST_F(BlobStoreTest, stores_files) {
  const auto store = open();
  ASSERT_TRUE(write_file_atomically(directory() / "file", "of a task", 0644));
  const UniqueFd fd(::open((directory() / "file").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(store->put_file(fd.get())->digest(), digest_of("of a task"));
  EXPECT_EQ(*store->read(digest_of("of a task")), "of a task");
}

TEST_F(BlobStoreTest, evicts_the_least_recently_used) {
  const auto store = open(30);
  const auto a = store->put("aaaaaaaaaa")->digest();
  const auto b = store->put("bbbbbbbbbb")->digest();
  const auto c = store->put("cccccccccc")->digest();
  EXPECT_TRUE(store->contains(a));
  const auto d = store->put("dddddddddd")->digest();
  EXPECT_FALSE(store->contains(b));
  for (const auto& kept : {a, c, d}) EXPECT_TRUE(store->contains(kept));
  EXPECT_EQ(store->counters().evictions, 1U);
  EXPECT_EQ(store->counters().bytes, 30U);
}

TEST_F(BlobStoreTest, keeps_what_is_pinned_and_says_when_all_is) {
  const auto store = open(20);
  auto a = *store->put("aaaaaaaaaa");
  const auto second_pin = *store->pin(a.digest());
  const auto b = *store->put("bbbbbbbbbb");
  a = Pin();  // still pinned once
  const auto full = store->put("c");
  EXPECT_EQ(full.error().code, Errc::resource_exhausted);
  EXPECT_NE(full.error().message.find("20 bytes"), std::string::npos);
  EXPECT_NE(full.error().message.find("--store-limit"), std::string::npos);
  EXPECT_EQ(store->counters().evictions, 0U);
  EXPECT_TRUE(store->contains(b.digest()));
}

TEST_F(BlobStoreTest, a_blob_above_the_limit_evicts_nothing) {
  const auto store = open(20);
  const auto a = store->put("aaaaaaaaaa")->digest();
  EXPECT_EQ(store->put(std::string(21, 'x')).error().code, Errc::resource_exhausted);
  EXPECT_TRUE(store->contains(a));
}

TEST_F(BlobStoreTest, an_announcement_evicts_nothing_until_its_bytes_come) {
  const auto store = open(40);
  const auto a = store->put("aaaaaaaaaa")->digest();
  const auto b = store->put("bbbbbbbbbb")->digest();
  {
    auto writer = *store->write({}, 40);
    EXPECT_EQ(store->counters().evictions, 0U);
    EXPECT_EQ(store->write({}, 1).error().code, Errc::resource_exhausted) << "all is promised";
    ASSERT_TRUE(writer->append(std::string(25, 'x')));
    EXPECT_FALSE(store->contains(a));
    EXPECT_TRUE(store->contains(b));
  }
  EXPECT_TRUE(store->write({}, 40)) << "an abandoned announcement gives back its room";
  EXPECT_TRUE(store->contains(b));
}

TEST_F(BlobStoreTest, an_open_blob_survives_its_eviction) {
  const auto store = open(10);
  const auto fd = *store->open(store->put("aaaaaaaaaa")->digest());
  ASSERT_TRUE(store->put("bbbbbbbbbb"));
  EXPECT_EQ(*read_all(fd.get()), "aaaaaaaaaa");
}

TEST_F(BlobStoreTest, a_blob_whose_file_vanished_is_missing) {
  const auto store = open();
  auto pin = *store->put("content");
  fs::remove(store->path(pin));
  pin = Pin();
  EXPECT_EQ(store->read(digest_of("content")).error().code, Errc::not_found);
  EXPECT_FALSE(store->contains(digest_of("content")));
  EXPECT_TRUE(store->put("content"));
  EXPECT_EQ(*store->read(digest_of("content")), "content");
}

TEST_F(BlobStoreTest, refuses_a_second_opener) {
  const auto store = open();
  const auto second = BlobStore::open({directory(), 0, nullptr});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::already_exists);
  EXPECT_NE(second.error().message.find(directory().string()), std::string::npos);
  EXPECT_NE(second.error().message.find("--store"), std::string::npos);
}

TEST_F(BlobStoreTest, opens_again_with_content_and_order_of_use) {
  {
    const auto store = open(30);
    EXPECT_FALSE(store->clean_start());
    ASSERT_TRUE(store->put("aaaaaaaaaa"));
    ASSERT_TRUE(store->put("bbbbbbbbbb"));
    EXPECT_TRUE(store->contains(digest_of("aaaaaaaaaa")));
  }
  const auto store = open(20);
  EXPECT_TRUE(store->clean_start());
  EXPECT_EQ(store->counters().bytes, 20U);
  ASSERT_TRUE(store->put("c"));
  EXPECT_FALSE(store->contains(digest_of("bbbbbbbbbb")));
  EXPECT_TRUE(store->contains(digest_of("aaaaaaaaaa")));
}

TEST_F(BlobStoreTest, a_lower_limit_evicts_at_open) {
  {
    const auto store = open();
    ASSERT_TRUE(store->put("aaaaaaaaaa"));
    ASSERT_TRUE(store->put("bbbbbbbbbb"));
  }
  EXPECT_EQ(open(10)->counters().blobs, 1U);
}

TEST_F(BlobStoreTest, a_directory_that_cannot_be_made_is_named) {
  const auto store = BlobStore::open({"/proc/no/store", 0, nullptr});
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().message.find("/proc/no"), std::string::npos);
}

TEST_F(BlobStoreTest, counts_for_metrics) {
  const auto store = open(100);
  const auto pin = *store->put("abc");
  EXPECT_TRUE(store->contains(pin.digest()));
  EXPECT_FALSE(store->contains(digest_of("x")));
  const auto counters = store->counters();
  EXPECT_EQ(counters.blobs, 1U);
  EXPECT_EQ(counters.bytes, 3U);
  EXPECT_EQ(counters.pinned_bytes, 3U);
  EXPECT_EQ(counters.limit_bytes, 100U);
  EXPECT_EQ(counters.stored, 1U);
  EXPECT_EQ(counters.hits, 1U);
  EXPECT_EQ(counters.misses, 2U);
}

// Eight threads put, pin, read and so evict from 64 blobs of which 32 fit.
TEST_F(BlobStoreTest, is_safe_for_many_threads) {
  constexpr std::size_t kBlobBytes = 5000;
  const auto store = open(32 * kBlobBytes);
  const auto work = [&store](unsigned seed) {
    for (unsigned round = 0; round < 400; ++round) {
      const char letter = static_cast<char>((seed * 7 + round * 13) % 64);
      const std::string content(kBlobBytes, letter);
      const auto pin = store->put(content);
      ASSERT_TRUE(pin) << pin.error().message;
      ASSERT_EQ(*store->read(pin->digest()), content);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 8; ++i) threads.emplace_back(work, i);
  for (auto& thread : threads) thread.join();
  EXPECT_LE(store->counters().bytes, 32 * kBlobBytes);
  EXPECT_EQ(store->counters().pinned_bytes, 0U);
  EXPECT_TRUE(no_temporary_files());
}

}  // namespace
}  // namespace kiln::store
