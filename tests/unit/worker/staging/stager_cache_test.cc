// What is missing, what is reused, what is evicted, what outlives a restart.
#include <thread>

#include <gmock/gmock.h>

#include "common/base/files.h"
#include "tests/unit/worker/staging/stager_fixture.h"

namespace kiln::worker {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class StagerCache : public StagerFixture {
 protected:
  Digest one_file_tree(const std::string& content) {
    return listing({subtree("d", {file("x.h", content)})});
  }
  std::size_t trees_on_disk() const {
    return static_cast<std::size_t>(std::distance(
        fs::directory_iterator(options_.directory / "trees"), fs::directory_iterator()));
  }
  void restart_with(const TreeStager::Options& options) {
    stop();
    options_ = options;
    start();
  }
};

TEST_F(StagerCache, says_what_is_missing_at_each_level) {
  const auto leaf = file("x.h", "x");
  const auto inner = subtree("inner", {leaf, file("y.h", "y")});
  const auto outer = subtree("outer", {inner, file("z.h", "z")});
  const auto root = listing({outer});
  EXPECT_THAT(*stager_->missing_inputs(root), IsEmpty());
  stop();
  start();  // forgets the decoded listings
  lose(leaf.digest);
  EXPECT_THAT(*stager_->missing_inputs(root), ElementsAre(leaf.digest));
  lose(inner.digest);
  lose(digest_of("z"));
  stop();
  start();
  EXPECT_THAT(*stager_->missing_inputs(root), UnorderedElementsAre(inner.digest, digest_of("z")));
  EXPECT_EQ(stager_->stage_inputs(root).error().code, Errc::not_found);
  lose(root);
  stop();
  start();
  EXPECT_THAT(*stager_->missing_inputs(root), ElementsAre(root));
  EXPECT_THAT(*stager_->missing_toolchain(root), ElementsAre(root));
}

TEST_F(StagerCache, names_each_missing_blob_once) {
  const auto lost = file("x.h", "x");
  const auto root = listing({subtree("a", {lost}), subtree("b", {lost})});
  lose(lost.digest);
  EXPECT_THAT(*stager_->missing_inputs(root), ElementsAre(lost.digest));
}

TEST_F(StagerCache, what_is_assembled_is_not_missing) {
  const auto root = one_file_tree("x");
  const auto tree = stage_inputs(root);
  lose(digest_of("x"));
  EXPECT_THAT(*stager_->missing_inputs(root), IsEmpty());
  EXPECT_EQ(*read_file(find(stage_inputs(root), "d/x.h")), "x");
}

TEST_F(StagerCache, a_blob_that_is_no_listing_is_refused) {
  const auto blob = store_->put("no listing")->digest();
  EXPECT_EQ(stager_->missing_inputs(blob).error().code, Errc::corrupt);
  EXPECT_EQ(stager_->stage_toolchain(blob).error().code, Errc::corrupt);
}

TEST_F(StagerCache, a_listing_that_came_along_is_not_read_from_the_store) {
  const auto inner = subtree("d", {file("x.h", "x")});
  const auto root = listing({inner});
  const auto root_bytes = *store_->read(root);
  const auto inner_bytes = *store_->read(inner.digest);
  lose(root);
  lose(inner.digest);
  stager_->learn_listing(digest_of("x"), "x");
  EXPECT_EQ(stager_->stage_inputs(root).error().code, Errc::not_found);
  stager_->learn_listing(root, root_bytes);
  stager_->learn_listing(inner.digest, inner_bytes);
  EXPECT_EQ(*read_file(find(stage_inputs(root), "d/x.h")), "x");
}

TEST_F(StagerCache, parts_are_assembled_once_for_all_tasks) {
  const auto usr = subtree("usr", {subtree("include", {file("stdio.h", "stdio")})});
  const auto first = stage_inputs(listing({usr, subtree("home", {file("1.c", "1")})}));
  const auto second = stage_inputs(listing({usr, subtree("home", {file("2.c", "2")})}));
  EXPECT_EQ(find(first, "usr/include/stdio.h"), find(second, "usr/include/stdio.h"));
  EXPECT_EQ(stager_->counters().trees_built, 3U);
  EXPECT_EQ(stager_->counters().trees_reused, 1U);
}

TEST_F(StagerCache, evicts_the_least_recently_used_tree_but_none_in_use) {
  auto options = options_;
  options.tree_limit = 2;
  restart_with(options);
  const auto held = stage_inputs(one_file_tree("held"));
  stage_inputs(one_file_tree("old"));
  stage_inputs(one_file_tree("new"));
  EXPECT_EQ(stager_->counters().trees, 2U);
  EXPECT_EQ(stager_->counters().trees_evicted, 1U);
  EXPECT_EQ(trees_on_disk(), 2U);
  EXPECT_EQ(*read_file(find(held, "d/x.h")), "held");
  stage_inputs(one_file_tree("new"));
  EXPECT_EQ(stager_->counters().trees_reused, 1U);
  EXPECT_TRUE(fs::is_empty(options_.directory / "staging"));
}

TEST_F(StagerCache, trees_in_use_may_exceed_the_limits_until_they_are_not) {
  auto options = options_;
  options.instance_limit_bytes = 10;
  restart_with(options);
  {
    const auto a = stage_inputs(one_file_tree("aaaaaaaa"));
    const auto b = stage_inputs(one_file_tree("bbbbbbbb"));
    EXPECT_EQ(stager_->counters().instance_bytes, 16U);
  }
  stage_inputs(one_file_tree("c"));
  EXPECT_LE(stager_->counters().instance_bytes, 10U);
  EXPECT_EQ(stager_->counters().trees, trees_on_disk());
}

TEST_F(StagerCache, an_evicted_tree_gives_its_blobs_inode_back) {
  auto options = options_;
  options.instance_limit_bytes = 0;
  restart_with(options);
  stage_inputs(one_file_tree("x"));
  stage_inputs(one_file_tree("y"));
  stage_inputs(one_file_tree("x"));
  EXPECT_EQ(stager_->counters().files_copied, 0U);
  EXPECT_EQ(stager_->counters().files_linked, 3U);
}

TEST_F(StagerCache, many_threads_share_the_work) {
  std::vector<Digest> roots;
  const auto usr = subtree("usr", {file("a.h", "a"), file("b.h", "a"), file("c.h", "c")});
  for (int i = 0; i < 16; ++i) {
    const auto name = std::to_string(i) + ".c";
    roots.push_back(listing({usr, subtree("home", {file(name, "a"), file("h.h", name)})}));
  }
  auto options = options_;
  options.tree_limit = 4;
  restart_with(options);
  const auto work = [&](std::size_t offset) {
    for (std::size_t i = 0; i < 60; ++i) {
      const auto number = (i * 3 + offset * 5) % roots.size();
      const auto tree = stager_->stage_inputs(roots[number]);
      ASSERT_TRUE(tree) << tree.error().message;
      ASSERT_EQ(*read_file(find(*tree, "usr/c.h")), "c");
      ASSERT_EQ(*read_file(find(*tree, "home/h.h")), std::to_string(number) + ".c");
      ASSERT_NE(status_of(find(*tree, "usr/a.h")).st_ino, status_of(find(*tree, "usr/b.h")).st_ino);
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 8; ++i) threads.emplace_back(work, i);
  for (auto& thread : threads) thread.join();
  stage_inputs(roots[0]);
  EXPECT_LE(stager_->counters().trees, 4U);
  EXPECT_EQ(stager_->counters().trees, trees_on_disk());
}

TEST_F(StagerCache, a_toolchain_is_one_lower_staged_once) {
  auto gcc = file("gcc", "binary");
  gcc.mode = 0755;
  const auto root = listing({subtree("usr", {subtree("bin", {gcc})}), symlink("bin", "usr/bin")});
  const auto tree = stage_toolchain(root);
  ASSERT_EQ(tree.lowers.size(), 1U);
  EXPECT_EQ(tree.lowers, stage_toolchain(root).lowers);
  EXPECT_EQ(*read_file(tree.lowers[0] / "usr/bin/gcc"), "binary");
  EXPECT_EQ(fs::read_symlink(tree.lowers[0] / "bin"), "usr/bin");
  ASSERT_EQ(stager_->toolchains().size(), 1U);
  EXPECT_EQ(stager_->toolchains()[0].digest, root);
  EXPECT_EQ(stager_->toolchains()[0].bytes, 6U);
  EXPECT_TRUE(stager_->toolchains()[0].in_use);
  EXPECT_THAT(*stager_->missing_toolchain(root), IsEmpty());
  EXPECT_EQ(store_->counters().pinned_bytes, store_->counters().bytes);
}

TEST_F(StagerCache, toolchains_are_evicted_only_when_unused) {
  const auto root = one_file_tree("compiler");
  {
    const auto tree = stage_toolchain(root);
    EXPECT_EQ(stager_->evict_toolchain(root).error().code, Errc::unavailable);
  }
  EXPECT_TRUE(stager_->evict_toolchain(root));
  EXPECT_EQ(stager_->evict_toolchain(root).error().code, Errc::not_found);
  EXPECT_THAT(stager_->toolchains(), IsEmpty());
  stager_->settle();
  EXPECT_EQ(store_->counters().pinned_bytes, 0U);
  auto options = options_;
  options.toolchain_limit_bytes = 10;
  restart_with(options);
  const auto held = stage_toolchain(one_file_tree("held"));
  const auto unused = one_file_tree("unused");
  stage_toolchain(unused);
  stage_toolchain(one_file_tree("next"));
  EXPECT_EQ(stager_->toolchains().size(), 2U);
  EXPECT_EQ(stager_->evict_toolchain(unused).error().code, Errc::not_found);
  EXPECT_EQ(*read_file(find(held, "d/x.h")), "held");
}

TEST_F(StagerCache, an_idle_toolchain_gives_its_room_to_a_blob_that_needs_it) {
  store_limit_bytes_ = 100'000;
  restart_with(options_);
  stage_toolchain(one_file_tree(std::string(30'000, 'a')));
  stage_toolchain(one_file_tree(std::string(30'100, 'b')));
  const auto held = stage_toolchain(one_file_tree(std::string(10'000, 'c')));
  EXPECT_TRUE(store_->put(std::string(40'000, 'd')));
  ASSERT_EQ(stager_->toolchains().size(), 2U) << "the oldest went, and no other";
  EXPECT_TRUE(store_->put(std::string(65'000, 'e')));
  ASSERT_EQ(stager_->toolchains().size(), 1U) << "what is in use stays";
  EXPECT_EQ(store_->put(std::string(95'000, 'f')).error().code, Errc::resource_exhausted);
  EXPECT_EQ(*read_file(find(held, "d/x.h")), std::string(10'000, 'c'));
}

TEST_F(StagerCache, a_tree_that_can_never_fit_is_refused) {
  auto large = file("large.h", "claims to be large");
  large.size = 900;
  const auto root = listing({subtree("d", {large, file("x.h", "x")})});
  store_limit_bytes_ = 1000;
  restart_with(options_);
  EXPECT_TRUE(stager_->missing_inputs(root));
  EXPECT_TRUE(stager_->missing_inputs(root, 99));
  EXPECT_EQ(stager_->missing_inputs(root, 100).error().code, Errc::invalid_argument);
  EXPECT_EQ(stager_->missing_inputs(root, 2000).error().code, Errc::invalid_argument);
  EXPECT_TRUE(stager_->missing_toolchain(root));
  store_limit_bytes_ = 800;
  restart_with(options_);
  EXPECT_EQ(stager_->missing_toolchain(root).error().code, Errc::invalid_argument);
}

TEST_F(StagerCache, a_toolchain_outlives_an_orderly_restart) {
  const auto root = one_file_tree("compiler");
  stage_toolchain(root);
  const auto inputs = one_file_tree("inputs");
  stage_inputs(inputs);
  stop();
  start();
  ASSERT_EQ(stager_->toolchains().size(), 1U);
  EXPECT_EQ(stager_->toolchains()[0].bytes, 8U);
  EXPECT_FALSE(stager_->toolchains()[0].in_use);
  EXPECT_EQ(*read_file(find(stage_toolchain(root), "d/x.h")), "compiler");
  EXPECT_EQ(stager_->counters().trees_built, 0U);
  EXPECT_EQ(trees_on_disk(), 0U);
  EXPECT_THAT(*stager_->missing_inputs(inputs), IsEmpty());
  EXPECT_GT(store_->counters().pinned_bytes, 8U);
}

TEST_F(StagerCache, after_a_crash_toolchains_are_staged_again_from_blobs_hashed_again) {
  const auto root = one_file_tree("compiler");
  stage_toolchain(root);
  stop();
  fs::remove(directory() / "store" / "clean");
  start();
  EXPECT_THAT(stager_->toolchains(), IsEmpty());
  EXPECT_THAT(*stager_->missing_toolchain(root), IsEmpty());
  EXPECT_EQ(*read_file(find(stage_toolchain(root), "d/x.h")), "compiler");
}

}  // namespace
}  // namespace kiln::worker
