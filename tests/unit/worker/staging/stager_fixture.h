// A blob store, a stager over it, and short ways to write trees into them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/model/tree.h"
#include "common/store/blob_store.h"
#include "tests/support/temporary_directory.h"
#include "worker/staging/tree_stager.h"

namespace kiln::worker {

class StagerFixture : public testing::Test {
 protected:
  StagerFixture() { start(); }

  void start();
  // Orderly, as at the end of a worker.
  void stop();
  std::filesystem::path directory() const { return temporary_.path(); }

  // Entries. The content of a file goes into the store; `subtree` gives the listing to it, too.
  TreeEntry file(std::string name, std::string_view content);
  TreeEntry symlink(std::string name, std::string target);
  TreeEntry subtree(std::string name, std::vector<TreeEntry> entries);
  // The digest of a listing of `entries` (sorted here), stored.
  Digest listing(std::vector<TreeEntry> entries);
  // Removes a blob from the store behind its back.
  void lose(const Digest& digest);

  StagedTree stage_inputs(const Digest& root);
  StagedTree stage_toolchain(const Digest& root);
  // The one path below the lowers of `tree`.
  static std::filesystem::path find(const StagedTree& tree, std::string_view path);
  static struct stat status_of(const std::filesystem::path& path);

  test_support::TemporaryDirectory temporary_;  // first: it goes after all that works in it
  TreeStager::Options options_;
  std::uint64_t store_limit_bytes_ = 0;
  std::unique_ptr<store::BlobStore> store_;
  std::unique_ptr<TreeStager> stager_;
};

}  // namespace kiln::worker
