#include "client/inputs/file_digest_cache.h"

#include <gtest/gtest.h>

#include "client/inputs/tree_builder.h"
#include "tests/unit/client/fake_file_system.h"
#include "tests/unit/client/written_directory.h"

namespace kiln::client {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

TEST(FileDigestCacheTest, HashesAnUnchangedFileOnce) {
  FakeFileSystem files;
  const FileStatus status = files.add_file("/a", "content");
  FileDigestCache cache(files);
  EXPECT_EQ(*cache.digest("/a", status), digest_of("content"));
  EXPECT_EQ(*cache.digest("/a", status), digest_of("content"));
  EXPECT_EQ(cache.computed(), 1U);
  EXPECT_EQ(files.reads(), 1U);
}

TEST(FileDigestCacheTest, HashesAgainWhenAnythingOfTheStatusChanged) {
  FakeFileSystem files;
  FileStatus status = files.add_file("/a", "content");
  FileDigestCache cache(files);
  ASSERT_TRUE(cache.digest("/a", status));
  status.ctime_ns += 1;
  ASSERT_TRUE(cache.digest("/a", status));
  EXPECT_EQ(cache.computed(), 2U);
}

TEST(FileDigestCacheTest, DoesNotTrustAFileThatWasJustChanged) {
  FakeFileSystem files;
  files.set_now_ns(100 * kSecondNs);
  FileStatus status = files.add_file("/a", "content");
  status.mtime_ns = 99 * kSecondNs;
  FileDigestCache cache(files);
  ASSERT_TRUE(cache.digest("/a", status));
  ASSERT_TRUE(cache.digest("/a", status));
  EXPECT_EQ(cache.computed(), 2U);
  files.set_now_ns(101 * kSecondNs);
  ASSERT_TRUE(cache.digest("/a", status));
  ASSERT_TRUE(cache.digest("/a", status));
  EXPECT_EQ(cache.computed(), 3U);
}

TEST(FileDigestCacheTest, ReportsAFileThatChangesUnderneath) {
  FakeFileSystem files;
  FileStatus status = files.add_file("/a", "content");
  status.size = 3;
  FileDigestCache cache(files);
  EXPECT_EQ(cache.digest("/a", status).error().code, Errc::unavailable);
}

TEST(FileDigestCacheTest, ForgetsEverythingWhenFull) {
  FakeFileSystem files;
  FileDigestCache cache(files, 2);
  for (const char* path : {"/a", "/b", "/c", "/a"}) {
    const FileStatus status = files.add_file(path, path);
    ASSERT_TRUE(cache.digest(path, status));
  }
  EXPECT_EQ(cache.computed(), 4U);
}

TEST(RealFileSystemTest, TellsWhatIsThere) {
  const WrittenDirectory directory;
  directory.write("file", "12345");
  std::filesystem::create_symlink("file", directory.path() + "/link");
  const RealFileSystem files;
  const std::string link = directory.path() + "/link";
  EXPECT_EQ(files.lstat(directory.path() + "/file")->size, 5U);
  EXPECT_EQ(files.lstat(link)->kind, FileKind::symlink);
  EXPECT_EQ(files.stat(link)->kind, FileKind::regular);
  EXPECT_EQ(*files.read_link(link), "file");
  EXPECT_EQ(files.lstat(directory.path())->kind, FileKind::directory);
  EXPECT_EQ(files.lstat(directory.path() + "/no").error().code, Errc::not_found);
  EXPECT_EQ(files.lstat(link + "/no").error().code, Errc::not_found);
  EXPECT_FALSE(files.readable(directory.path() + "/no"));
  EXPECT_TRUE(files.writable(directory.path()));
}

TEST(RealFileSystemTest, BuildsATreeOfRealFiles) {
  const WrittenDirectory directory;
  directory.write("sub/a.h", "same");
  std::filesystem::create_hard_link(directory.path() + "/sub/a.h", directory.path() + "/b.h");
  const RealFileSystem files;
  FileDigestCache digests(files);
  TreeBuilder builder(files, digests, directory.path());
  ASSERT_TRUE(builder.add_file("sub/a.h"));
  ASSERT_TRUE(builder.add_file("b.h"));
  const auto tree = builder.finish();
  ASSERT_TRUE(tree.has_value());
  EXPECT_EQ(tree->file_count, 2U);
  EXPECT_EQ(tree->files.size(), 1U);
}

}  // namespace
}  // namespace kiln::client
