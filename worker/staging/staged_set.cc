#include "worker/staging/staged_set.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <stdio.h>

#include "worker/staging/staging_files.h"

namespace kiln::worker {

namespace fs = std::filesystem;

StagedSet::StagedSet(fs::path directory, fs::path workshop, DirectoryPool& directories)
    : directory_(std::move(directory)), workshop_(std::move(workshop)), directories_(directories) {}

fs::path StagedSet::path_of(const Digest& key) const {
  return directory_ / key.hex();
}

std::uint64_t StagedSet::bytes_of(const Digest& key) const {
  const std::lock_guard lock(mutex_);
  return entries_.at(key).made.bytes;
}

std::string StagedSet::fresh_name() {
  const std::lock_guard lock(mutex_);
  return directory_.filename().string() + "-" + std::to_string(next_fresh_++);
}

Result<StagedSet::Hold> StagedSet::acquire(const Digest& key, const Maker& maker) {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) break;
    if (found->second.ready) {
      ++counters_.reused;
      return hold(found);
    }
    made_.wait(lock);
  }
  const auto entry = entries_.try_emplace(key).first;  // not ready: others wait
  lock.unlock();
  auto made = make(key, maker);
  lock.lock();
  made_.notify_all();
  if (!made) {
    entries_.erase(entry);
    return fail(made.error());
  }
  entry->second.made = std::move(*made);
  entry->second.ready = true;
  entry->second.idle_place = idle_.insert(idle_.end(), key);
  ++counters_.made;
  ++counters_.count;
  counters_.bytes += entry->second.made.bytes;
  return hold(entry);
}

Result<StagedSet::Made> StagedSet::make(const Digest& key, const Maker& maker) {
  const auto name = fresh_name();
  KILN_TRY_ASSIGN(const auto workshop, open_directory(workshop_));
  KILN_TRY_ASSIGN(const auto fresh, directories_.make(workshop.get(), name));
  auto made = maker(fresh.get());
  if (made && ::renameat(workshop.get(), name.c_str(), AT_FDCWD, path_of(key).c_str()) != 0) {
    made = fail_errno("cannot rename a staged tree to " + path_of(key).string(), errno);
  }
  if (!made) directories_.dispose(workshop_ / name, nullptr);
  return made;
}

StagedSet::Hold StagedSet::find(const Digest& key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end() || !found->second.ready) return nullptr;
  return hold(found);
}

StagedSet::Hold StagedSet::hold(Entries::iterator entry) {
  if (entry->second.holds++ == 0) idle_.erase(entry->second.idle_place);
  return Hold(static_cast<const void*>(&entry->second),
              [this, key = entry->first](const void*) { release(key); });
}

void StagedSet::release(const Digest& key) {
  const std::lock_guard lock(mutex_);
  auto& entry = entries_.at(key);
  if (--entry.holds == 0) entry.idle_place = idle_.insert(idle_.end(), key);
}

void StagedSet::adopt(const Digest& key, Made made) {
  const std::lock_guard lock(mutex_);
  auto& entry = entries_[key];
  counters_.bytes += made.bytes;
  ++counters_.count;
  entry.made = std::move(made);
  entry.ready = true;
  entry.idle_place = idle_.insert(idle_.end(), key);
}

bool StagedSet::evict_oldest() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return false;
  remove(entries_.find(idle_.front()));
  return true;
}

Status StagedSet::evict(const Digest& key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return fail(Errc::not_found, key.hex() + " is not staged");
  if (!found->second.ready || found->second.holds > 0) {
    return fail(Errc::unavailable, key.hex() + " is in use; try again when its tasks have ended");
  }
  remove(found);
  return {};
}

void StagedSet::remove(Entries::iterator entry) {
  ++counters_.evicted;
  --counters_.count;
  counters_.bytes -= entry->second.made.bytes;
  idle_.erase(entry->second.idle_place);
  directories_.dispose(path_of(entry->first), std::move(entry->second.made.keeps));
  entries_.erase(entry);
}

std::vector<StagedSet::Item> StagedSet::items() const {
  const std::lock_guard lock(mutex_);
  std::vector<Item> items;
  for (const auto& [key, entry] : entries_) {
    if (entry.ready) items.push_back({key, entry.made.bytes, entry.holds > 0});
  }
  return items;
}

StagedSet::Counters StagedSet::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

}  // namespace kiln::worker
