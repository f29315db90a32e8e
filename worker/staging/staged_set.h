// Directories by digest, each made once however many ask for it, kept while used and, after that,
// until room is needed. Input trees and toolchains are two such sets.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/base/digest.h"
#include "common/base/result.h"
#include "worker/staging/directory_pool.h"

namespace kiln::worker {

// Thread-safe.
class StagedSet {
 public:
  // What a maker made, apart from the directory itself.
  struct Made {
    std::uint64_t bytes = 0;
    std::shared_ptr<void> keeps;  // released once the directory is removed
  };
  // Fills the fresh, empty directory behind the descriptor.
  using Maker = std::function<Result<Made>(int fresh)>;
  using Hold = std::shared_ptr<const void>;

  struct Item {
    Digest key;
    std::uint64_t bytes = 0;
    bool in_use = false;
  };
  struct Counters {
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
    std::uint64_t made = 0;
    std::uint64_t reused = 0;
    std::uint64_t evicted = 0;
  };

  // Items are DIRECTORY/<hex>. They are made in WORKSHOP, on the same file system, from
  // `directories`, which must outlive the set and takes them back.
  StagedSet(std::filesystem::path directory, std::filesystem::path workshop,
            DirectoryPool& directories);

  // The item stays while the Hold lives; the set must outlive it. Blocks while another thread makes
  // the same item.
  Result<Hold> acquire(const Digest& key, const Maker& maker);
  // The same when the item is there; nullptr when not.
  Hold find(const Digest& key);
  std::filesystem::path path_of(const Digest& key) const;
  // Of an item that is held.
  std::uint64_t bytes_of(const Digest& key) const;

  // Adds an item that is on disk already.
  void adopt(const Digest& key, Made made);
  // Removes the least recently used item that nobody holds; false when there is none.
  bool evict_oldest();
  // Errc::not_found, Errc::unavailable while it is held.
  Status evict(const Digest& key);

  std::vector<Item> items() const;
  Counters counters() const;

 private:
  struct Entry {
    Made made;
    bool ready = false;
    std::uint32_t holds = 0;
    std::list<Digest>::iterator idle_place;  // valid while ready and not held
  };
  using Entries = std::map<Digest, Entry>;

  Result<Made> make(const Digest& key, const Maker& maker);
  Hold hold(Entries::iterator entry);
  void release(const Digest& key);
  void remove(Entries::iterator entry);
  std::string fresh_name();

  const std::filesystem::path directory_;
  const std::filesystem::path workshop_;
  DirectoryPool& directories_;
  mutable std::mutex mutex_;  // guards what follows; not held while trees are made
  std::condition_variable made_;
  Entries entries_;
  std::list<Digest> idle_;  // ready and not held, the least recently used first
  std::uint64_t next_fresh_ = 0;
  Counters counters_;
};

}  // namespace kiln::worker
