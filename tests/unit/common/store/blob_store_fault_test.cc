// Crashes, damaged files and full disks.
#include <csignal>
#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common/base/files.h"
#include "common/store/blob_store.h"
#include "tests/support/temporary_directory.h"

namespace kiln::store {
namespace {

namespace fs = std::filesystem;

// The machine's own file system, with switches for its failures.
class FailingFileSystem final : public FileSystem {
 public:
  bool fail_writes = false;
  int full_writes = 0;  // so many more find the disk full
  bool fail_renames = false;
  bool fail_removals = false;

  Status write(int fd, std::string_view content) override {
    const bool full = full_writes > 0;
    if (full) --full_writes;
    if (!fail_writes && !full) return real_->write(fd, content);
    static_cast<void>(real_->write(fd, content.substr(0, content.size() / 2)));
    return fail_errno("write", ENOSPC);
  }
  Status rename(const fs::path& from, const fs::path& to) override {
    return fail_renames ? Status(fail_errno("rename", EIO)) : real_->rename(from, to);
  }
  Status remove(const fs::path& path) override {
    return fail_removals ? Status(fail_errno("unlink", EROFS)) : real_->remove(path);
  }

 private:
  std::unique_ptr<FileSystem> real_ = real_file_system();
};

class BlobStoreFaultTest : public testing::Test {
 protected:
  std::unique_ptr<BlobStore> open(std::uint64_t limit_bytes = 0) {
    auto store = BlobStore::open({directory_.path(), limit_bytes, files_});
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  fs::path path_of(std::string_view content) const {
    const auto hex = digest_of(content).hex();
    return directory_.path() / "blobs" / hex.substr(0, 2) / hex;
  }
  // Stores `contents` in a child process that is then killed in the middle of another blob.
  void crash_after_storing(std::initializer_list<std::string_view> contents) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto store = BlobStore::open({directory_.path(), 0, nullptr});
      for (const auto content : contents) static_cast<void>((*store)->put(content));
      auto writer = *(*store)->write();
      static_cast<void>(writer->append("half of a blob"));
      static_cast<void>(::write(ready[1], "x", 1));
      while (true) ::pause();
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  static void overwrite(const fs::path& path, std::string_view content) {
    std::ofstream(path, std::ios::binary | std::ios::in) << content;
  }

  kiln::test_support::TemporaryDirectory directory_;
  std::shared_ptr<FailingFileSystem> files_ = std::make_shared<FailingFileSystem>();
};

TEST_F(BlobStoreFaultTest, after_a_crash_good_blobs_stay_and_bad_ones_are_missing) {
  crash_after_storing({"good", "damaged", "truncated"});
  overwrite(path_of("damaged"), "DAMAGED");
  fs::resize_file(path_of("truncated"), 0);
  const auto store = open();
  EXPECT_FALSE(store->clean_start());
  EXPECT_TRUE(fs::is_empty(directory_.path() / "tmp"));
  EXPECT_EQ(*store->read(digest_of("good")), "good");
  EXPECT_FALSE(store->contains(digest_of("damaged")));
  EXPECT_EQ(store->pin(digest_of("truncated")).error().code, Errc::not_found);
  EXPECT_EQ(store->counters().corrupt, 2U);
  EXPECT_FALSE(fs::exists(path_of("damaged")));
  EXPECT_TRUE(store->put("damaged"));
  EXPECT_EQ(*store->read(digest_of("damaged")), "damaged");
}

TEST_F(BlobStoreFaultTest, what_was_not_hashed_since_a_crash_is_not_trusted_after_a_clean_close) {
  crash_after_storing({"used", "unused"});
  { EXPECT_TRUE(open()->contains(digest_of("used"))); }
  overwrite(path_of("unused"), "UNUSED");
  const auto store = open();
  EXPECT_TRUE(store->clean_start());
  EXPECT_FALSE(store->contains(digest_of("unused")));
  EXPECT_TRUE(store->contains(digest_of("used")));
}

TEST_F(BlobStoreFaultTest, a_new_copy_replaces_an_unhashed_one) {
  crash_after_storing({"content"});
  overwrite(path_of("content"), "CONTENT");
  const auto store = open();
  auto writer = *store->write(digest_of("content"));
  ASSERT_TRUE(writer->append("content"));
  ASSERT_TRUE(writer->finish());
  EXPECT_EQ(*store->read(digest_of("content")), "content");
  EXPECT_EQ(store->counters().blobs, 1U);
}

TEST_F(BlobStoreFaultTest, hashing_again_does_not_depend_on_the_mtime) {
  crash_after_storing({"content"});
  fs::last_write_time(path_of("content"), fs::file_time_type::min() + std::chrono::hours(24));
  EXPECT_TRUE(open()->contains(digest_of("content")));
}

TEST_F(BlobStoreFaultTest, a_failed_write_loses_nothing) {
  const auto store = open(100);
  ASSERT_TRUE(store->put("before"));
  files_->fail_writes = true;
  const auto failed = store->put(std::string(90, 'x'));
  EXPECT_EQ(failed.error().code, Errc::resource_exhausted);
  EXPECT_NE(failed.error().message.find("No space left"), std::string::npos);
  files_->fail_writes = false;
  EXPECT_EQ(*store->read(digest_of("before")), "before");
  EXPECT_TRUE(fs::is_empty(directory_.path() / "tmp"));
  EXPECT_TRUE(store->put(std::string(90, 'x')));
}

TEST_F(BlobStoreFaultTest, idle_blobs_make_room_on_a_disk_that_others_fill) {
  const auto store = open();
  const auto pinned = *store->put("pinned");
  for (const char letter : {'a', 'b', 'c', 'd'}) {
    ASSERT_TRUE(store->put(std::string(1000, letter)));
  }
  files_->full_writes = 1;
  const std::string content(1500, 'x');
  ASSERT_TRUE(store->put(content));
  EXPECT_EQ(*store->read(digest_of(content)), content);
  EXPECT_EQ(store->counters().evictions, 2U);
  EXPECT_TRUE(store->contains(digest_of(std::string(1000, 'd'))));
  EXPECT_TRUE(store->contains(pinned.digest()));
  EXPECT_EQ(store->put(std::string(10, 'y'))->size(), 10U);
}

TEST_F(BlobStoreFaultTest, want_of_descriptors_is_no_damage) {
  crash_after_storing({"good"});
  const auto store = open();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const bool there = store->contains(digest_of("good"));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_FALSE(there) << "it cannot be read now";
  EXPECT_TRUE(store->contains(digest_of("good")));
  EXPECT_EQ(store->counters().corrupt, 0U);
}

TEST_F(BlobStoreFaultTest, a_marker_that_cannot_be_read_is_not_left_for_the_next_start) {
  { EXPECT_TRUE(open()->put("content")); }
  fs::remove(directory_.path() / "clean");
  fs::create_directory(directory_.path() / "clean");
  const auto store = BlobStore::open({directory_.path(), 0, files_});
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().message.find("clean"), std::string::npos);
}

TEST_F(BlobStoreFaultTest, a_failed_rename_stores_nothing) {
  const auto store = open();
  files_->fail_renames = true;
  EXPECT_EQ(store->put("content").error().code, Errc::io);
  EXPECT_FALSE(store->contains(digest_of("content")));
  files_->fail_renames = false;
  EXPECT_TRUE(store->put("content"));
}

TEST_F(BlobStoreFaultTest, a_failed_eviction_is_reported_and_forgets_nothing) {
  const auto store = open(10);
  ASSERT_TRUE(store->put("aaaaaaaaaa"));
  files_->fail_removals = true;
  EXPECT_EQ(store->put("b").error().code, Errc::permission_denied);
  EXPECT_EQ(*store->read(digest_of("aaaaaaaaaa")), "aaaaaaaaaa");
  files_->fail_removals = false;
  EXPECT_TRUE(store->put("b"));
}

// Runs in a child with its own mount namespace, so that the small file system goes with it. The
// exit code names the first step that went wrong.
int fill_small_disk(const fs::path& directory) {
  const int user = ::geteuid() == 0 ? 0 : CLONE_NEWUSER;
  if (::unshare(CLONE_NEWNS | user) != 0) return 1;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 2;
  if (::mount("tmpfs", directory.c_str(), "tmpfs", 0, "size=256k") != 0) return 3;
  auto store = BlobStore::open({directory, 0, nullptr});
  if (!store) return 4;
  if (!(*store)->put("before")) return 5;
  const auto full = (*store)->put(std::string(1'000'000, 'x'));
  if (full || full.error().code != Errc::resource_exhausted) return 6;
  if (full.error().message.find(directory.string()) == std::string::npos) return 7;
  if ((*store)->read(digest_of("before")).value_or("") != "before") return 8;
  if (!fs::is_empty(directory / "tmp")) return 9;
  return (*store)->put(std::string(100'000, 'y')) ? 0 : 10;
}

TEST_F(BlobStoreFaultTest, a_full_disk_is_reported_and_loses_nothing) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(fill_small_disk(directory_.path()));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace kiln::store
