#include "worker/staging/tree_stager.h"

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

#include "common/base/files.h"
#include "common/wire/codec.h"
#include "worker/staging/directory_pool.h"
#include "worker/staging/instance_cache.h"
#include "worker/staging/listing_reader.h"
#include "worker/staging/staged_set.h"
#include "worker/staging/staging_files.h"
#include "worker/staging/tree_builder.h"
#include "worker/staging/tree_walk.h"

namespace kiln::worker {
namespace {

namespace fs = std::filesystem;

// More top-level directories than this become one tree: an overlay's mount options fit one page.
constexpr std::size_t kMaxParts = 8;
constexpr std::size_t kListingEntriesKept = 500'000;

// An input tree cut so that each part is worth sharing between tasks: each directory of the root by
// itself, all its files and symlinks together. Part and whole are named alike: by their listing.
std::vector<Directory> cut(const Directory& root) {
  std::vector<Directory> parts;
  Directory rest;
  for (const auto& entry : root.entries) {
    if (entry.kind == EntryKind::directory) {
      parts.push_back(Directory{{entry}});
    } else {
      rest.entries.push_back(entry);
    }
  }
  if (parts.size() > kMaxParts) return {root};
  if (!rest.entries.empty()) parts.push_back(std::move(rest));
  return parts;
}

Digest key_of(const Directory& part) {
  return digest_of(wire::encode_directory(part));
}

}  // namespace

class TreeStager::Impl {
 public:
  Impl(Options options, store::BlobStore& store)
      : options_(std::move(options)), store_(store), listings_(store, kListingEntriesKept) {}
  ~Impl() { store_.set_give_up_pins({}); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Status open();
  void learn_listing(const Digest& digest, std::string_view content) {
    listings_.learn(digest, content);
  }
  Result<std::vector<Digest>> missing_inputs(const Digest& root, std::uint64_t beside_bytes);
  Result<std::vector<Digest>> missing_toolchain(const Digest& root);
  Result<StagedTree> stage_inputs(const Digest& root);
  Result<StagedTree> stage_toolchain(const Digest& root);
  StagedSet& toolchain_set() { return *toolchains_; }
  void settle() { directories_->settle(); }
  Counters counters() const;

 private:
  Status adopt_toolchains();
  Result<StagedSet::Made> make_part(const Directory& part, int fresh);
  Result<StagedSet::Made> make_toolchain(const Digest& root, int fresh);
  std::shared_ptr<void> pin_toolchain(const Digest& root);
  void make_room();
  bool give_up_toolchain();
  WalkLimits walk_limits(std::uint64_t beside_bytes) const;

  const Options options_;
  store::BlobStore& store_;
  ListingReader listings_;
  std::mutex giving_up_;
  std::unique_ptr<InstanceCache> instances_;
  std::unique_ptr<DirectoryPool> directories_;
  std::unique_ptr<StagedSet> trees_;
  std::unique_ptr<StagedSet> toolchains_;
};

Status TreeStager::Impl::open() {
  const auto& directory = options_.directory;
  const auto workshop = directory / "staging";
  KILN_TRY(make_empty_directory(workshop));
  KILN_TRY(make_empty_directory(directory / "trees"));
  KILN_TRY_ASSIGN(instances_, InstanceCache::open(directory / "instances",
                                                  options_.links_per_instance, store_));
  KILN_TRY_ASSIGN(directories_,
                  DirectoryPool::open(directory / "spare", options_.spare_directories));
  trees_ = std::make_unique<StagedSet>(directory / "trees", workshop, *directories_);
  toolchains_ = std::make_unique<StagedSet>(directory / "toolchains", workshop, *directories_);
  store_.set_give_up_pins([this] { return give_up_toolchain(); });
  if (!store_.clean_start()) return make_empty_directory(directory / "toolchains");
  KILN_TRY(make_directories(directory / "toolchains"));
  return adopt_toolchains();
}

Status TreeStager::Impl::adopt_toolchains() {
  std::error_code code;
  std::vector<Digest> staged;
  for (fs::directory_iterator at(options_.directory / "toolchains", code);
       !code && at != fs::directory_iterator(); at.increment(code)) {
    if (const auto digest = parse_digest(at->path().filename().string())) staged.push_back(*digest);
  }
  if (code) return fail_errno("cannot list the staged toolchains", code.value());
  for (const auto& digest : staged) {
    KILN_TRY_ASSIGN(const auto bytes, bytes_below(toolchains_->path_of(digest)));
    toolchains_->adopt(digest, {bytes, pin_toolchain(digest)});
  }
  make_room();
  return {};
}

Result<std::vector<Digest>> TreeStager::Impl::missing_inputs(const Digest& root,
                                                             std::uint64_t beside_bytes) {
  if (root.empty()) return std::vector<Digest>{};
  const auto listing = listings_.read(root);
  if (!listing && listing.error().code == Errc::not_found) return std::vector<Digest>{root};
  if (!listing) return fail(listing.error());
  TreeWalk walk(listings_, store_, walk_limits(beside_bytes), TreeWalk::Found::touch);
  for (const auto& part : cut(**listing)) {
    if (!trees_->find(key_of(part))) KILN_TRY(walk.add(part));
  }
  return walk.missing();
}

Result<std::vector<Digest>> TreeStager::Impl::missing_toolchain(const Digest& root) {
  if (root.empty() || toolchains_->find(root)) return std::vector<Digest>{};
  TreeWalk walk(listings_, store_, walk_limits(0), TreeWalk::Found::touch);
  KILN_TRY(walk.add_tree(root));
  return walk.missing();
}

Result<StagedTree> TreeStager::Impl::stage_inputs(const Digest& root) {
  StagedTree staged;
  if (root.empty()) return staged;
  KILN_TRY_ASSIGN(const auto listing, listings_.read(root));
  const auto holds = std::make_shared<std::vector<StagedSet::Hold>>();
  for (const auto& part : cut(*listing)) {
    const auto key = key_of(part);
    KILN_TRY_ASSIGN(auto hold,
                    trees_->acquire(key, [&](int fresh) { return make_part(part, fresh); }));
    holds->push_back(std::move(hold));
    staged.lowers.push_back(trees_->path_of(key));
  }
  staged.hold = holds;
  make_room();
  return staged;
}

Result<StagedTree> TreeStager::Impl::stage_toolchain(const Digest& root) {
  if (root.empty()) return StagedTree{};
  KILN_TRY_ASSIGN(auto hold, toolchains_->acquire(
                                 root, [&](int fresh) { return make_toolchain(root, fresh); }));
  make_room();
  return StagedTree{{toolchains_->path_of(root)}, std::move(hold), toolchains_->bytes_of(root)};
}

Result<StagedSet::Made> TreeStager::Impl::make_part(const Directory& part, int fresh) {
  const auto uses = std::make_shared<InstanceCache::Uses>(*instances_);
  TreeBuilder builder(listings_, *directories_, *instances_, *uses, "inputs", options_.entry_limit);
  KILN_TRY(builder.build(part, fresh));
  return StagedSet::Made{builder.bytes(), uses};
}

Result<StagedSet::Made> TreeStager::Impl::make_toolchain(const Digest& root, int fresh) {
  KILN_TRY_ASSIGN(const auto listing, listings_.read(root));
  InstanceCache::Uses uses(*instances_);  // the tree's own links keep the files
  TreeBuilder builder(listings_, *directories_, *instances_, uses, root.hex(),
                      options_.entry_limit);
  KILN_TRY(builder.build(*listing, fresh));
  return StagedSet::Made{builder.bytes(), pin_toolchain(root)};
}

// The blobs of a staged toolchain take no room of their own, as the tree links to them, and other
// nodes may ask for them: they are kept in the store as long as the tree.
std::shared_ptr<void> TreeStager::Impl::pin_toolchain(const Digest& root) {
  TreeWalk walk(listings_, store_, {options_.entry_limit, UINT64_MAX}, TreeWalk::Found::pin);
  static_cast<void>(walk.add_tree(root));  // what is missing is only not served to others
  return std::make_shared<std::vector<store::Pin>>(walk.take_pins());
}

void TreeStager::Impl::make_room() {
  while (toolchains_->counters().bytes > options_.toolchain_limit_bytes) {
    if (!toolchains_->evict_oldest()) break;
  }
  while (trees_->counters().count > options_.tree_limit) {
    if (!trees_->evict_oldest()) break;
  }
  while (instances_->bytes() > options_.instance_limit_bytes) {
    if (instances_->evict_one()) continue;
    if (!trees_->evict_oldest()) break;
    directories_->settle();  // only then are the tree's instances without users
  }
}

// The pins go once the tree is off the disk: before, its blobs' room would not be free.
bool TreeStager::Impl::give_up_toolchain() {
  const auto before = toolchains_->counters().evicted;
  const std::lock_guard one_at_a_time(giving_up_);
  if (toolchains_->counters().evicted != before) return true;  // by whoever held the lock
  if (directories_->settle()) return true;  // what was evicted for another reason
  if (!toolchains_->evict_oldest()) return false;
  directories_->settle();
  return true;
}

WalkLimits TreeStager::Impl::walk_limits(std::uint64_t beside_bytes) const {
  const auto limit = store_.limit_bytes();
  if (limit == 0) return {options_.entry_limit, UINT64_MAX};
  return {options_.entry_limit, limit - std::min(limit, beside_bytes)};
}

TreeStager::Counters TreeStager::Impl::counters() const {
  const auto instances = instances_->counters();
  const auto trees = trees_->counters();
  const auto toolchains = toolchains_->counters();
  Counters counters;
  counters.trees = trees.count;
  counters.instances = instances.instances;
  counters.instance_bytes = instances.bytes;
  counters.toolchains = toolchains.count;
  counters.toolchain_bytes = toolchains.bytes;
  counters.trees_built = trees.made;
  counters.trees_reused = trees.reused;
  counters.trees_evicted = trees.evicted;
  counters.files_linked = instances.linked;
  counters.files_copied = instances.copied;
  return counters;
}

TreeStager::TreeStager(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TreeStager::~TreeStager() = default;

Result<std::unique_ptr<TreeStager>> TreeStager::open(Options options, store::BlobStore& store) {
  auto impl = std::make_unique<Impl>(std::move(options), store);
  KILN_TRY(impl->open());
  return std::unique_ptr<TreeStager>(new TreeStager(std::move(impl)));
}

void TreeStager::learn_listing(const Digest& digest, std::string_view content) {
  impl_->learn_listing(digest, content);
}
Result<std::vector<Digest>> TreeStager::missing_inputs(const Digest& root,
                                                       std::uint64_t beside_bytes) {
  return impl_->missing_inputs(root, beside_bytes);
}
Result<std::vector<Digest>> TreeStager::missing_toolchain(const Digest& root) {
  return impl_->missing_toolchain(root);
}
Result<StagedTree> TreeStager::stage_inputs(const Digest& root) {
  return impl_->stage_inputs(root);
}
Result<StagedTree> TreeStager::stage_toolchain(const Digest& root) {
  return impl_->stage_toolchain(root);
}

bool TreeStager::is_staged(const Digest& toolchain) const {
  const auto all = toolchains();
  return std::any_of(all.begin(), all.end(),
                     [&](const auto& one) { return one.digest == toolchain; });
}

std::vector<StagedToolchain> TreeStager::toolchains() const {
  std::vector<StagedToolchain> staged;
  for (const auto& item : impl_->toolchain_set().items()) {
    staged.push_back({item.key, item.bytes, item.in_use});
  }
  return staged;
}

Status TreeStager::evict_toolchain(const Digest& root) {
  return impl_->toolchain_set().evict(root);
}

void TreeStager::settle() {
  impl_->settle();
}

TreeStager::Counters TreeStager::counters() const {
  return impl_->counters();
}

}  // namespace kiln::worker
