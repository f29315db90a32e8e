#include "worker/staging/instance_cache.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

#include "common/base/files.h"
#include "worker/staging/staging_files.h"

namespace kiln::worker {
namespace {

InstanceCache::Key key_of(const TreeEntry& entry, std::string_view path, std::string_view scope) {
  return {entry.digest, entry.mtime_ns, staged_mode(entry.mode), entry.link_group,
          std::string(entry.link_group == 0 ? path : scope)};
}

}  // namespace

InstanceCache::Uses::~Uses() {
  cache_.release(instances_);
}

// The digest is as good as random, and the place tells apart those that share one.
std::size_t InstanceCache::KeyHash::operator()(const Key& key) const noexcept {
  return std::hash<Digest>()(key.digest) ^ std::hash<std::string>()(key.place);
}

InstanceCache::InstanceCache(std::filesystem::path directory, UniqueFd fd, std::uint32_t links,
                             store::BlobStore& store)
    : directory_(std::move(directory)), fd_(std::move(fd)), link_limit_(links), store_(store) {}

Result<std::unique_ptr<InstanceCache>> InstanceCache::open(const std::filesystem::path& directory,
                                                           std::uint32_t links,
                                                           store::BlobStore& store) {
  KILN_TRY(make_empty_directory(directory));
  KILN_TRY_ASSIGN(auto fd, open_directory(directory));
  return std::unique_ptr<InstanceCache>(new InstanceCache(directory, std::move(fd), links, store));
}

Status InstanceCache::link(const TreeEntry& entry, std::string_view path, std::string_view scope,
                           int parent, Uses& uses) {
  const Key key = key_of(entry, path, scope);
  for (int attempt = 0;; ++attempt) {
    KILN_TRY_ASSIGN(auto instance, acquire(key, entry));
    uses.instances_.push_back(instance);
    if (::linkat(fd_.get(), instance->name.c_str(), parent, entry.name.c_str(), 0) == 0) return {};
    if (errno != EMLINK || attempt > 0) return fail_errno("link " + std::string(path), errno);
    retire(instance);  // full: the next one starts with no links
  }
}

Result<InstanceCache::Handle> InstanceCache::acquire(const Key& key, const TreeEntry& entry) {
  if (auto instance = find(key)) return instance;
  const std::lock_guard one_maker(making_.at(entry.digest.bytes[0] % making_.size()));
  if (auto instance = find(key)) return instance;
  return make(key, entry);
}

InstanceCache::Handle InstanceCache::find(const Key& key) {
  const std::lock_guard lock(mutex_);
  const auto found = instances_.find(key);
  if (found == instances_.end()) return nullptr;
  Handle instance = found->second;
  if (instance->users == 0) idle_.erase(instance->idle_place);
  if (++instance->links > link_limit_) {
    instance->listed = false;
    instances_.erase(found);
    if (instance->users == 0) remove_file(*instance);
    return nullptr;
  }
  ++instance->users;
  return instance;
}

Result<InstanceCache::Handle> InstanceCache::make(const Key& key, const TreeEntry& entry) {
  KILN_TRY_ASSIGN(const auto pin, store_.pin(entry.digest));
  KILN_TRY_ASSIGN(const auto blob, store_.open(entry.digest));
  auto instance = std::make_shared<Instance>();
  instance->key = key;
  instance->name = std::to_string(next_name_++);
  instance->size = pin.size();
  instance->users = 1;
  instance->links = 1;
  instance->listed = true;
  KILN_TRY_ASSIGN(const bool claimed, claim(blob.get(), store_.path(pin), entry, instance->name));
  if (!claimed) KILN_TRY(copy(blob.get(), entry, instance->name));
  const std::lock_guard lock(mutex_);
  instances_.emplace(key, instance);
  ++(claimed ? counters_.linked : counters_.copied);
  ++counters_.instances;
  counters_.bytes += instance->size;
  return instance;
}

Result<bool> InstanceCache::claim(int blob, const std::filesystem::path& path,
                                  const TreeEntry& entry, const std::string& name) {
  struct stat info {};
  if (::fstat(blob, &info) != 0) return fail_errno("stat " + path.string(), errno);
  if (info.st_nlink != 1) return false;
  // Attributes first: whatever happens in between, nobody has linked to the inode yet.
  if (!set_attributes(blob, entry)) return false;
  return ::linkat(AT_FDCWD, path.c_str(), fd_.get(), name.c_str(), 0) == 0;
}

Status InstanceCache::copy(int blob, const TreeEntry& entry, const std::string& name) {
  const auto path = directory_ / name;
  const UniqueFd file(
      ::openat(fd_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return fail_errno("cannot create " + path.string(), errno);
  auto status = copy_content(blob, file.get());
  if (status) status = set_attributes(file.get(), entry);
  if (status) return {};
  ::unlinkat(fd_.get(), name.c_str(), 0);
  return fail(status.error().within("cannot copy a blob to " + path.string()));
}

void InstanceCache::retire(const Handle& instance) {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(instance->listed, false)) return;
  instances_.erase(instance->key);
}

void InstanceCache::release(const std::vector<Handle>& instances) {
  const std::lock_guard lock(mutex_);
  for (const auto& instance : instances) {
    if (--instance->users > 0) continue;
    if (instance->listed) {
      instance->idle_place = idle_.insert(idle_.end(), instance.get());
    } else {
      remove_file(*instance);
    }
  }
}

bool InstanceCache::evict_one() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return false;
  const Handle instance = instances_.at(idle_.front()->key);
  idle_.pop_front();
  instance->listed = false;
  instances_.erase(instance->key);
  remove_file(*instance);
  return true;
}

void InstanceCache::remove_file(const Instance& instance) {
  ::unlinkat(fd_.get(), instance.name.c_str(), 0);
  --counters_.instances;
  counters_.bytes -= instance.size;
}

std::uint64_t InstanceCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return counters_.bytes;
}

InstanceCache::Counters InstanceCache::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

}  // namespace kiln::worker
