#include "tests/unit/worker/staging/stager_fixture.h"

#include <algorithm>
#include <utility>

#include "common/wire/codec.h"

namespace kiln::worker {

void StagerFixture::start() {
  auto store = store::BlobStore::open({temporary_.path() / "store", store_limit_bytes_, nullptr});
  ASSERT_TRUE(store) << store.error().message;
  store_ = std::move(*store);
  options_.directory = temporary_.path() / "staged";
  options_.spare_directories = 4;
  auto stager = TreeStager::open(options_, *store_);
  ASSERT_TRUE(stager) << stager.error().message;
  stager_ = std::move(*stager);
}

void StagerFixture::stop() {
  stager_.reset();
  store_.reset();
}

TreeEntry StagerFixture::file(std::string name, std::string_view content) {
  TreeEntry entry;
  entry.name = std::move(name);
  entry.mtime_ns = 1'600'000'000'123'456'789;
  entry.size = content.size();
  entry.digest = store_->put(content)->digest();
  return entry;
}

TreeEntry StagerFixture::symlink(std::string name, std::string target) {
  TreeEntry entry;
  entry.name = std::move(name);
  entry.kind = EntryKind::symlink;
  entry.target = std::move(target);
  return entry;
}

TreeEntry StagerFixture::subtree(std::string name, std::vector<TreeEntry> entries) {
  TreeEntry entry;
  entry.name = std::move(name);
  entry.kind = EntryKind::directory;
  entry.mode = 0755;
  entry.digest = listing(std::move(entries));
  return entry;
}

Digest StagerFixture::listing(std::vector<TreeEntry> entries) {
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return store_->put(wire::encode_directory(Directory{std::move(entries)}))->digest();
}

void StagerFixture::lose(const Digest& digest) {
  const auto path = store_->path(*store_->pin(digest));
  std::filesystem::remove(path);
  EXPECT_FALSE(store_->read(digest));
}

StagedTree StagerFixture::stage_inputs(const Digest& root) {
  auto tree = stager_->stage_inputs(root);
  EXPECT_TRUE(tree) << tree.error().message;
  return tree ? std::move(*tree) : StagedTree{};
}

StagedTree StagerFixture::stage_toolchain(const Digest& root) {
  auto tree = stager_->stage_toolchain(root);
  EXPECT_TRUE(tree) << tree.error().message;
  return tree ? std::move(*tree) : StagedTree{};
}

std::filesystem::path StagerFixture::find(const StagedTree& tree, std::string_view path) {
  std::filesystem::path found;
  for (const auto& lower : tree.lowers) {
    const auto candidate = lower / path;
    if (!std::filesystem::exists(std::filesystem::symlink_status(candidate))) continue;
    EXPECT_TRUE(found.empty()) << path << " is in two lowers";
    found = candidate;
  }
  EXPECT_FALSE(found.empty()) << path << " is in no lower";
  return found;
}

struct stat StagerFixture::status_of(const std::filesystem::path& path) {
  struct stat info {};
  EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
  return info;
}

}  // namespace kiln::worker
