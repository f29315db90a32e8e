#include "worker/staging/directory_pool.h"

#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temporary_directory.h"
#include "worker/staging/staging_files.h"

namespace kiln::worker {
namespace {

namespace fs = std::filesystem;

class DirectoryPoolTest : public testing::Test {
 protected:
  DirectoryPoolTest() : pool_(std::move(*DirectoryPool::open(path() / "spare", 3))) {
    fs::create_directory(path() / "trees");
    parent_ = std::move(*open_directory(path() / "trees"));
    pool_->settle();
  }
  fs::path path() const { return temporary_.path(); }
  std::size_t spare() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(path() / "spare"), fs::directory_iterator()));
  }

  test_support::TemporaryDirectory temporary_;
  std::unique_ptr<DirectoryPool> pool_;
  UniqueFd parent_;
};

TEST_F(DirectoryPoolTest, makes_more_directories_than_are_spare) {
  const auto before = ::umask(077);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(pool_->make(parent_.get(), std::to_string(i)));
  ::umask(before);
  for (const auto& made : fs::directory_iterator(path() / "trees")) {
    EXPECT_TRUE(fs::is_empty(made));
    struct stat info {};
    ASSERT_EQ(::stat(made.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 0755U);
  }
  pool_->settle();
  EXPECT_GE(spare(), 1U) << "topped up whenever fewer than half are left";
}

TEST_F(DirectoryPoolTest, takes_trees_apart_and_keeps_only_empty_directories) {
  const auto tree = path() / "trees" / "tree";
  fs::create_directories(tree / "a" / "b" / "c");
  fs::create_directories(tree / "d");
  std::ofstream(tree / "a" / "file") << "content";
  fs::create_directory_symlink(path(), tree / "d" / "link");
  auto keeps = std::make_shared<int>(0);
  const std::weak_ptr<int> kept = keeps;
  pool_->dispose(tree, std::move(keeps));
  EXPECT_FALSE(fs::exists(tree));
  pool_->settle();
  EXPECT_TRUE(kept.expired());
  EXPECT_EQ(spare(), 3U);
  for (const auto& directory : fs::directory_iterator(path() / "spare")) {
    EXPECT_TRUE(fs::is_empty(directory));
  }
  EXPECT_TRUE(fs::exists(path() / "trees"));  // the link was removed, not followed
}

TEST_F(DirectoryPoolTest, reports_a_name_that_is_taken) {
  std::ofstream(path() / "trees" / "name") << "content";
  EXPECT_EQ(pool_->make(parent_.get(), "name").error().code, Errc::already_exists);
}

}  // namespace
}  // namespace kiln::worker
