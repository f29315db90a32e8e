// What a task sees of its inputs.
#include <unistd.h>

#include "common/base/files.h"
#include "tests/unit/worker/staging/stager_fixture.h"

namespace kiln::worker {
namespace {

namespace fs = std::filesystem;

class InputTree : public StagerFixture {
 protected:
  static ino_t inode(const StagedTree& tree, std::string_view path) {
    return status_of(find(tree, path)).st_ino;
  }
};

TEST_F(InputTree, holds_files_directories_and_symlinks_at_their_paths) {
  const auto tree = stage_inputs(listing({
      subtree("home", {subtree("me", {file("a.c", "int a;"), subtree("empty", {})})}),
      subtree("usr", {subtree("include", {file("stdio.h", "stdio")})}),
      symlink("lib", "usr/lib"),
      file("Makefile", "all:"),
  }));
  EXPECT_EQ(tree.lowers.size(), 3U);  // home, usr, the rest
  EXPECT_EQ(*read_file(find(tree, "home/me/a.c")), "int a;");
  EXPECT_EQ(*read_file(find(tree, "usr/include/stdio.h")), "stdio");
  EXPECT_EQ(*read_file(find(tree, "Makefile")), "all:");
  EXPECT_TRUE(fs::is_empty(find(tree, "home/me/empty")));
  EXPECT_EQ(fs::read_symlink(find(tree, "lib")), "usr/lib");
}

TEST_F(InputTree, keeps_mtimes_to_the_nanosecond) {
  auto now = file("new.h", "new");
  auto before_epoch = file("old.h", "old");
  before_epoch.mtime_ns = -1;
  const auto tree = stage_inputs(listing({subtree("d", {now, before_epoch})}));
  EXPECT_EQ(status_of(find(tree, "d/new.h")).st_mtim.tv_sec, 1'600'000'000);
  EXPECT_EQ(status_of(find(tree, "d/new.h")).st_mtim.tv_nsec, 123'456'789);
  EXPECT_EQ(status_of(find(tree, "d/old.h")).st_mtim.tv_sec, -1);
  EXPECT_EQ(status_of(find(tree, "d/old.h")).st_mtim.tv_nsec, 999'999'999);
}

TEST_F(InputTree, keeps_modes_but_lets_the_task_read_and_nobody_become_the_worker) {
  auto secret = file("secret.h", "1");
  secret.mode = 0600;
  auto program = file("program", "2");
  program.mode = 04700;
  auto plain = file("plain.h", "3");
  plain.mode = 0664;
  const auto before = ::umask(077);
  const auto tree = stage_inputs(listing({subtree("d", {secret, program, plain})}));
  ::umask(before);
  EXPECT_EQ(status_of(find(tree, "d/secret.h")).st_mode & 07777U, 0644U);
  EXPECT_EQ(status_of(find(tree, "d/program")).st_mode & 07777U, 0755U);
  EXPECT_EQ(status_of(find(tree, "d/plain.h")).st_mode & 07777U, 0664U);
  EXPECT_EQ(status_of(find(tree, "d")).st_mode & 07777U, 0755U);
}

TEST_F(InputTree, two_paths_of_one_blob_are_two_inodes) {
  const auto tree = stage_inputs(listing({subtree("a", {file("x.h", "same"), file("y.h", "same")}),
                                          subtree("b", {file("x.h", "same")})}));
  EXPECT_NE(inode(tree, "a/x.h"), inode(tree, "a/y.h"));
  EXPECT_NE(inode(tree, "a/x.h"), inode(tree, "b/x.h"));
  EXPECT_EQ(stager_->counters().files_linked, 1U);
  EXPECT_EQ(stager_->counters().files_copied, 2U);
}

TEST_F(InputTree, a_link_group_is_one_inode_and_another_group_another) {
  auto one = file("one.h", "same");
  auto two = file("two.h", "same");
  auto other = file("other.h", "same");
  one.link_group = two.link_group = 7;
  other.link_group = 8;
  const auto tree = stage_inputs(listing({subtree("a", {one, other}), subtree("b", {two})}));
  EXPECT_EQ(inode(tree, "a/one.h"), inode(tree, "b/two.h"));
  EXPECT_NE(inode(tree, "a/one.h"), inode(tree, "a/other.h"));
}

TEST_F(InputTree, the_same_path_in_two_trees_is_one_inode) {
  const auto first = stage_inputs(listing({subtree("d", {file("x.h", "x"), file("1.c", "1")})}));
  const auto second = stage_inputs(listing({subtree("d", {file("x.h", "x"), file("2.c", "2")})}));
  EXPECT_NE(first.lowers, second.lowers);
  EXPECT_EQ(inode(first, "d/x.h"), inode(second, "d/x.h"));
  EXPECT_EQ(stager_->counters().files_copied, 0U);
}

TEST_F(InputTree, another_mtime_or_mode_is_another_inode) {
  auto x = file("x.h", "x");
  const auto first = stage_inputs(listing({subtree("d", {x})}));
  x.mtime_ns += 1;
  const auto later = stage_inputs(listing({subtree("d", {x})}));
  x.mode = 0755;
  const auto executable = stage_inputs(listing({subtree("d", {x})}));
  EXPECT_NE(inode(first, "d/x.h"), inode(later, "d/x.h"));
  EXPECT_NE(inode(later, "d/x.h"), inode(executable, "d/x.h"));
  EXPECT_EQ(status_of(find(first, "d/x.h")).st_mtim.tv_nsec, 123'456'789);
  EXPECT_EQ(status_of(find(later, "d/x.h")).st_mtim.tv_nsec, 123'456'790);
}

TEST_F(InputTree, an_instance_is_replaced_before_it_has_too_many_links) {
  stop();
  options_.links_per_instance = 2;
  start();
  std::vector<StagedTree> trees;
  for (const auto* content : {"1", "2", "3"}) {
    trees.push_back(
        stage_inputs(listing({subtree("d", {file("x.h", "x"), file("own.c", content)})})));
  }
  EXPECT_EQ(inode(trees[0], "d/x.h"), inode(trees[1], "d/x.h"));
  EXPECT_NE(inode(trees[0], "d/x.h"), inode(trees[2], "d/x.h"));
  EXPECT_EQ(*read_file(find(trees[2], "d/x.h")), "x");
}

TEST_F(InputTree, the_empty_tree_has_no_lowers) {
  EXPECT_TRUE(stage_inputs(Digest{}).lowers.empty());
  EXPECT_TRUE(stage_inputs(listing({})).lowers.empty());
}

TEST_F(InputTree, many_top_level_directories_become_one_lower) {
  std::vector<TreeEntry> entries;
  for (int i = 0; i < 20; ++i) entries.push_back(subtree("d" + std::to_string(i), {}));
  EXPECT_EQ(stage_inputs(listing(entries)).lowers.size(), 1U);
}

TEST_F(InputTree, a_symlink_never_leads_the_builder_astray) {
  const auto outside = directory() / "outside";
  fs::create_directory(outside);
  const auto tree = stage_inputs(listing({
      symlink("a", outside.string()),
      subtree("b", {symlink("up", "../../../../outside"), file("up2", "x")}),
  }));
  EXPECT_EQ(fs::read_symlink(find(tree, "a")), outside);
  EXPECT_TRUE(fs::is_empty(outside));
}

TEST_F(InputTree, names_that_leave_the_directory_are_refused) {
  for (const auto* name : {"..", ".", "", "a/b", "/etc"}) {
    const auto tree = stager_->stage_inputs(listing({subtree("d", {file(name, "x")})}));
    ASSERT_FALSE(tree) << name;
    EXPECT_EQ(tree.error().code, Errc::corrupt) << name;
  }
}

TEST_F(InputTree, too_deep_and_too_large_trees_are_refused_and_leave_nothing) {
  auto deep = subtree("d", {});
  for (int i = 0; i < 200; ++i) deep = subtree("d", {deep});
  EXPECT_EQ(stager_->stage_inputs(listing({deep})).error().code, Errc::invalid_argument);
  EXPECT_EQ(stager_->missing_inputs(listing({deep})).error().code, Errc::invalid_argument);
  // 10^8 files by nine listings
  auto bomb = subtree("d", {file("x", "x")});
  for (int level = 0; level < 8; ++level) {
    std::vector<TreeEntry> copies(10, bomb);
    for (std::size_t i = 0; i < copies.size(); ++i) copies[i].name = std::to_string(i);
    bomb = subtree("d", copies);
  }
  stop();
  options_.entry_limit = 1000;
  start();
  EXPECT_EQ(stager_->stage_inputs(listing({bomb})).error().code, Errc::invalid_argument);
  stager_->settle();
  EXPECT_TRUE(fs::is_empty(options_.directory / "staging"));
  EXPECT_TRUE(fs::is_empty(options_.directory / "trees"));
}

}  // namespace
}  // namespace kiln::worker
