#include "worker/server/resident_files.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"

namespace kiln::worker {
namespace {

namespace fs = std::filesystem;

class ResidentFilesTest : public testing::Test {
 protected:
  void add(const std::string& path) {
    fs::create_directories((root() / path).parent_path());
    std::ofstream(root() / path) << "content";
  }
  fs::path root() const { return directory_.path() / "root"; }
  bool maps(const std::string& name) const {
    std::ifstream maps("/proc/self/maps");
    std::string line;
    while (std::getline(maps, line)) {
      if (line.find(directory_.path().string()) != std::string::npos &&
          line.find(name) != std::string::npos)
        return true;
    }
    return false;
  }
  test_support::TemporaryDirectory directory_;
};

TEST_F(ResidentFilesTest, files_are_mapped_as_long_as_it_lives) {
  add("usr/bin/cc1");
  {
    const ResidentFiles files(nullptr, {root()}, {"/usr/bin/cc1", "/usr/bin/missing", "/usr"});
    EXPECT_EQ(files.count(), 1U);
    EXPECT_TRUE(maps("cc1"));
  }
  EXPECT_FALSE(maps("cc1"));
}

TEST_F(ResidentFilesTest, nothing_outside_of_the_tree_is_reached) {
  std::ofstream(directory_.path() / "secret") << "content";
  add("inside");
  fs::create_symlink(directory_.path() / "secret", root() / "link");
  fs::create_symlink("/inside", root() / "own");
  const ResidentFiles files(nullptr, {root()}, {"/../secret", "/link", "/own"});
  EXPECT_EQ(files.count(), 1U);
  EXPECT_FALSE(maps("secret"));
}

}  // namespace
}  // namespace kiln::worker
