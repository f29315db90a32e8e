#include "client/inputs/tree_builder.h"

#include <map>

#include <gtest/gtest.h>

#include "common/model/tree.h"
#include "common/wire/codec.h"
#include "tests/unit/client/fake_file_system.h"

namespace kiln::client {
namespace {

class TreeBuilderTest : public testing::Test {
 protected:
  // The tree as "path kind" lines with what matters of each entry.
  static std::string flatten(const InputTree& tree) {
    std::map<std::string, std::string> listings;
    for (const auto& [digest, bytes] : tree.listings) listings[digest.hex()] = bytes;
    std::string text;
    flatten_into(listings, tree.root, "", text);
    return text;
  }

  static void flatten_into(const std::map<std::string, std::string>& listings, const Digest& digest,
                           const std::string& prefix, std::string& text) {
    const auto directory = wire::decode_directory(listings.at(digest.hex()));
    ASSERT_TRUE(directory.has_value());
    for (const TreeEntry& entry : directory->entries) {
      text += prefix + "/" + entry.name;
      if (entry.kind == EntryKind::directory) {
        text += "/\n";
        flatten_into(listings, entry.digest, prefix + "/" + entry.name, text);
        continue;
      }
      if (entry.kind == EntryKind::symlink) text += " -> " + entry.target;
      if (entry.link_group != 0) text += " #" + std::to_string(entry.link_group);
      text += "\n";
    }
  }

  FakeFileSystem files_;
  FileDigestCache digests_{files_};
};

TEST_F(TreeBuilderTest, EntersFilesTheirDirectoriesAndTheWorkingDirectory) {
  files_.add_file("/src/a.c", "int a;");
  files_.add_file("/src/not-asked.c", "");
  files_.add_directory("/build");
  TreeBuilder builder(files_, digests_, "/build");
  ASSERT_TRUE(builder.add_file("../src/a.c"));
  const auto tree = builder.finish();
  ASSERT_TRUE(tree.has_value());
  EXPECT_EQ(flatten(*tree), "/build/\n/src/\n/src/a.c\n");
  EXPECT_EQ(tree->file_count, 1U);
  EXPECT_EQ(tree->bytes, 6U);
  EXPECT_EQ(tree->files.at(0).path, "/src/a.c");
  EXPECT_EQ(tree->listings.back().first, tree->root);
}

TEST_F(TreeBuilderTest, FollowsSymlinksAsTheKernelDoes) {
  files_.add_file("/real/inc/a.h", "a");
  files_.add_file("/real/b.h", "b");
  files_.add_symlink("/src/inc", "../real/inc");
  files_.add_symlink("/src/abs", "/src/inc");
  TreeBuilder builder(files_, digests_, "/src");
  // ".." behind a symlink leads to the parent of its target.
  ASSERT_TRUE(builder.add_file("inc/../b.h"));
  ASSERT_TRUE(builder.add_file("abs/a.h"));
  const auto tree = builder.finish();
  ASSERT_TRUE(tree.has_value());
  EXPECT_EQ(flatten(*tree),
            "/real/\n/real/b.h\n/real/inc/\n/real/inc/a.h\n"
            "/src/\n/src/abs -> /src/inc\n/src/inc -> ../real/inc\n");
}

TEST_F(TreeBuilderTest, ASymlinkToAFileIsEnteredWithItsTarget) {
  files_.add_file("/store/x", "x");
  files_.add_symlink("/src/x.h", "/store/x");
  TreeBuilder builder(files_, digests_, "/src");
  ASSERT_TRUE(builder.add_file("x.h"));
  const auto tree = builder.finish();
  ASSERT_TRUE(tree.has_value());
  EXPECT_EQ(flatten(*tree), "/src/\n/src/x.h -> /store/x\n/store/\n/store/x\n");
}

TEST_F(TreeBuilderTest, SymlinksThatGoInCirclesAreAnError) {
  files_.add_symlink("/a", "/b");
  files_.add_symlink("/b", "/a");
  TreeBuilder builder(files_, digests_, "/");
  EXPECT_EQ(builder.add_file("/a").error().code, Errc::not_found);
  EXPECT_TRUE(builder.add_directory("/a"));
}

TEST_F(TreeBuilderTest, MissingFilesAreErrorsMissingDirectoriesAreNot) {
  files_.add_file("/src/file", "x");
  TreeBuilder builder(files_, digests_, "/src");
  EXPECT_EQ(builder.add_file("missing.h").error().code, Errc::not_found);
  EXPECT_EQ(builder.add_file("file/x.h").error().code, Errc::not_found);
  EXPECT_TRUE(builder.add_directory("missing"));
  EXPECT_TRUE(builder.add_directory("file"));
  const auto tree = builder.finish();
  ASSERT_TRUE(tree.has_value());
  EXPECT_EQ(flatten(*tree), "/src/\n");
}

TEST_F(TreeBuilderTest, OnlyRegularFilesAreInputs) {
  files_.add_other("/src/fifo");
  files_.add_directory("/src/dir");
  TreeBuilder builder(files_, digests_, "/src");
  EXPECT_EQ(builder.add_file("fifo").error().code, Errc::unsupported);
  EXPECT_EQ(builder.add_file("dir").error().code, Errc::unsupported);
}

TEST_F(TreeBuilderTest, HardLinksAreGroupedInTheOrderOfTheTree) {
  for (const char* path : {"/z/one", "/a/two", "/m/lonely"}) {
    FileStatus& status = files_.add_file(path, "same");
    status.links = 2;
    status.inode = path[1] == 'm' ? 78 : 77;
  }
  TreeBuilder builder(files_, digests_, "/a");
  for (const char* path : {"/z/one", "/a/two", "/m/lonely"}) ASSERT_TRUE(builder.add_file(path));
  const auto tree = builder.finish();
  ASSERT_TRUE(tree.has_value());
  EXPECT_EQ(flatten(*tree), "/a/\n/a/two #1\n/m/\n/m/lonely\n/z/\n/z/one #1\n");
  EXPECT_EQ(tree->files.size(), 1U);
  EXPECT_EQ(tree->file_count, 3U);
}

TEST_F(TreeBuilderTest, EqualTreesAreEqualWhateverTheOrder) {
  files_.add_file("/src/a.h", "a");
  files_.add_file("/src/b.h", "b");
  TreeBuilder forward(files_, digests_, "/src");
  TreeBuilder backward(files_, digests_, "/src");
  ASSERT_TRUE(forward.add_file("a.h") && forward.add_file("b.h"));
  ASSERT_TRUE(backward.add_file("b.h") && backward.add_file("a.h"));
  EXPECT_EQ(forward.finish()->root, backward.finish()->root);
}

TEST_F(TreeBuilderTest, AsksOnceForEachComponent) {
  for (int i = 0; i < 50; ++i) files_.add_file("/usr/include/h" + std::to_string(i), "x");
  TreeBuilder builder(files_, digests_, "/usr");
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(builder.add_file("/usr/include/h" + std::to_string(i)));
    }
  }
  ASSERT_TRUE(builder.finish());
  EXPECT_EQ(files_.lstats(), 52U);
}

}  // namespace
}  // namespace kiln::client
