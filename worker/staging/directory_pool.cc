#include "worker/staging/directory_pool.h"

#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "worker/staging/staging_files.h"

namespace kiln::worker {

namespace fs = std::filesystem;

Result<std::unique_ptr<DirectoryPool>> DirectoryPool::open(const fs::path& directory,
                                                           std::size_t target) {
  KILN_TRY(make_empty_directory(directory));
  KILN_TRY_ASSIGN(auto fd, open_directory(directory));
  std::unique_ptr<DirectoryPool> pool(new DirectoryPool(directory, std::move(fd), target));
  pool->post([raw = pool.get()] { raw->top_up(); });
  return pool;
}

DirectoryPool::DirectoryPool(fs::path directory, UniqueFd fd, std::size_t target)
    : directory_(std::move(directory)), fd_(std::move(fd)), target_(target), background_(1) {}

DirectoryPool::~DirectoryPool() = default;

Result<UniqueFd> DirectoryPool::make(int parent, const std::string& name) {
  std::string spare;
  if (take_spare(spare) && ::renameat(fd_.get(), spare.c_str(), parent, name.c_str()) == 0) {
    return open_directory_at(parent, name);
  }
  return make_directory_at(parent, name);  // none is spare, or the file system cannot rename so
}

bool DirectoryPool::take_spare(std::string& name) {
  bool more = false;
  {
    const std::lock_guard lock(mutex_);
    if (!spare_.empty()) {
      name = std::move(spare_.back());
      spare_.pop_back();
    }
    if (spare_.size() < target_ / 2) more = !std::exchange(topping_up_, true);
  }
  if (more) post([this] { top_up(); });
  return !name.empty();
}

void DirectoryPool::top_up() {
  while (true) {
    std::string name = next_name("spare-");
    const bool made =
        make_directory_at(fd_.get(), name).has_value();  // make() will say what is wrong
    const std::lock_guard lock(mutex_);
    if (made) spare_.push_back(std::move(name));
    if (made && spare_.size() < target_) continue;
    topping_up_ = false;  // under the same lock: whoever takes the next one sees both
    return;
  }
}

void DirectoryPool::dispose(const fs::path& path, std::shared_ptr<void> keeps) {
  std::string name = next_name("waste-");
  if (::renameat(AT_FDCWD, path.c_str(), fd_.get(), name.c_str()) != 0) {
    std::error_code code;
    fs::remove_all(path, code);  // it must be gone from its place in any case
    return;
  }
  post([this, name = std::move(name), kept = std::move(keeps)]() mutable {
    take_apart(fd_.get(), name);
    kept.reset();
  });
}

bool DirectoryPool::take_apart(int parent, const std::string& name) {
  UniqueFd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  const int directory = fd.get();
  DIR* const listing = fd.valid() ? ::fdopendir(fd.release()) : nullptr;
  if (listing == nullptr) return false;
  std::vector<std::string> children;
  while (const dirent* entry = ::readdir(listing)) children.emplace_back(entry->d_name);
  bool empty = true;
  for (const auto& child : children) {
    if (child == "." || child == ".." || ::unlinkat(directory, child.c_str(), 0) == 0) continue;
    empty = take_apart(directory, child) && empty;
  }
  ::closedir(listing);
  return empty && retire(parent, name);
}

bool DirectoryPool::retire(int parent, const std::string& name) {
  std::string spare = next_name("spare-");
  {
    const std::lock_guard lock(mutex_);
    if (spare_.size() >= target_) return ::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0;
  }
  if (::renameat(parent, name.c_str(), fd_.get(), spare.c_str()) != 0) return false;
  const std::lock_guard lock(mutex_);
  spare_.push_back(std::move(spare));
  return true;
}

std::string DirectoryPool::next_name(const char* kind) {
  const std::lock_guard lock(mutex_);
  return kind + std::to_string(next_++);
}

void DirectoryPool::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    ++pending_;
  }
  background_.post([this, work = std::move(work)] {
    work();
    const std::lock_guard lock(mutex_);
    if (--pending_ == 0) settled_.notify_all();
  });
}

bool DirectoryPool::settle() {
  std::unique_lock lock(mutex_);
  const bool waits = pending_ > 0;
  settled_.wait(lock, [this] { return pending_ == 0; });
  return waits;
}

}  // namespace kiln::worker
