#include "worker/sandbox/removal.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/unique_fd.h"

namespace kiln::worker {
namespace {

namespace fs = std::filesystem;

class Removal : public testing::Test {
 protected:
  Removal() {
    std::string name = (fs::temp_directory_path() / "kiln-removal.XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) top_ = name;
  }
  ~Removal() override { static_cast<void>(remove_tree(top_)); }
  fs::path top_;
};

TEST_F(Removal, of_nothing_is_no_error) {
  EXPECT_TRUE(remove_tree(top_ / "absent"));
}

TEST_F(Removal, follows_no_link) {
  fs::create_directories(top_ / "kept");
  std::ofstream(top_ / "kept/file") << "x";
  fs::create_directories(top_ / "tree/sub");
  fs::create_directory_symlink(top_ / "kept", top_ / "tree/sub/link");
  ASSERT_TRUE(remove_tree(top_ / "tree"));
  EXPECT_FALSE(fs::exists(top_ / "tree"));
  EXPECT_TRUE(fs::exists(top_ / "kept/file"));
}

TEST_F(Removal, takes_directories_whose_permissions_are_gone) {
  fs::create_directories(top_ / "tree/a/b/c");
  for (const auto* path : {"tree/a/b/c", "tree/a/b", "tree/a", "tree"}) {
    ASSERT_EQ(::chmod((top_ / path).c_str(), 0), 0);
  }
  const auto removed = remove_tree(top_ / "tree");
  EXPECT_TRUE(removed) << removed.error().message;
}

TEST_F(Removal, reaches_any_depth) {
  const auto tree = top_ / "tree";
  fs::create_directory(tree);
  UniqueFd at(::open(tree.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (int depth = 0; depth < 1500; ++depth) {
    ASSERT_EQ(::mkdirat(at.get(), "d", 0755), 0);
    ASSERT_EQ(::mknodat(at.get(), "f", S_IFREG | 0600, 0), 0);
    at.reset(::openat(at.get(), "d", O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  const auto removed = remove_tree(tree);
  EXPECT_TRUE(removed) << removed.error().message;
  EXPECT_FALSE(fs::exists(tree));
}

TEST_F(Removal, empties_a_directory_and_keeps_it) {
  fs::create_directories(top_ / "one/two");
  std::ofstream(top_ / "file") << "x";
  ASSERT_TRUE(empty_directory(top_));
  EXPECT_TRUE(fs::is_empty(top_));
}

}  // namespace
}  // namespace kiln::worker
