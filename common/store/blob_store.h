// The blob store: content-addressed files below one directory, owned by one process.
//
//   DIR/lock              held (flock) while the store is open
//   DIR/clean             there only between an orderly close and the next open
//   DIR/tmp/              blobs on their way in; emptied at open
//   DIR/blobs/ab/abcd…    a blob under its SHA-256
//
// A blob is written to tmp, hashed on the way, and renamed into place only if it is what it claims
// to be, so a name under blobs/ always had its right content when it was made. Nothing is synced:
// a crash can lose or garble recent files. Therefore the `clean` marker is removed at open and
// written at orderly close (with the boot's id: what was never synced does not survive a crash of
// the machine after the close either). Whenever the marker is not there, each blob is hashed again
// before its first use; one that fails is removed and reported missing, to be fetched again.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/digest.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/store/blob_index.h"
#include "common/store/file_system.h"

namespace kiln::store {

class BlobStore;

// Keeps one blob from being evicted while it lives. Counted: a blob is evictable once its last Pin
// is gone. Movable, usable from any thread; the store must outlive it.
class Pin {
 public:
  Pin() = default;
  Pin(Pin&& other) noexcept;
  Pin& operator=(Pin&& other) noexcept;
  ~Pin();

  // REQUIRES: holds a blob (was not moved from).
  const Digest& digest() const { return entry_->digest; }
  std::uint64_t size() const { return entry_->size; }  // bytes

 private:
  friend class BlobStore;
  friend class Writer;
  Pin(BlobStore& store, BlobIndex::Handle entry);
  void release();

  BlobStore* store_ = nullptr;
  BlobIndex::Handle entry_;
};

// A blob on its way in. Dropped before finish(): nothing is kept. One thread at a time.
class Writer {
 public:
  Writer(Writer&&) = delete;
  ~Writer();

  // Errc::resource_exhausted when the store's limit or the disk is reached, Errc::corrupt when more
  // comes than was announced. After an error only destruction makes sense.
  Status append(std::string_view part);
  // Errc::corrupt when the content is not what was announced. Else the blob is in the store, also
  // for everybody else, and stays at least as long as the Pin.
  Result<Pin> finish();

 private:
  friend class BlobStore;
  Writer(BlobStore& store, std::optional<Digest> expected, std::optional<std::uint64_t> size);
  Status create();
  Status add(std::string_view part);
  Status write(std::string_view part);

  BlobStore& store_;
  std::optional<Digest> expected_;
  std::optional<std::uint64_t> expected_size_;  // bytes
  DigestBuilder hash_;
  std::filesystem::path temporary_;
  UniqueFd fd_;
  std::uint64_t written_ = 0;   // bytes
  std::uint64_t admitted_ = 0;  // bytes of the store's limit promised to this blob
  std::uint64_t claimed_ = 0;   // bytes of these in use
};

// Thread-safe; every function may block on the disk.
class BlobStore {
 public:
  struct Options {
    std::filesystem::path directory;          // made when it is not there
    std::uint64_t limit_bytes = 0;            // content bytes kept at most; 0: no limit
    std::shared_ptr<FileSystem> file_system;  // none: the machine's own
  };

  // Errc::already_exists when another process has the directory open. Open it after forking
  // children that live on without exec: they would hold the lock.
  static Result<std::unique_ptr<BlobStore>> open(Options options);
  // Orderly close. REQUIRES: no Pin or Writer is left.
  ~BlobStore();
  BlobStore(const BlobStore&) = delete;
  BlobStore& operator=(const BlobStore&) = delete;

  // Stores `content`; its digest is Pin::digest(). Storing what is there already is cheap.
  Result<Pin> put(std::string_view content);
  // The same for content that must hash to `expected`: Errc::corrupt, nothing kept, if not.
  Result<Pin> put(const Digest& expected, std::string_view content);
  // Stores what can be read from `fd` from its current offset on.
  Result<Pin> put_file(int fd);
  // For content that arrives in parts. What is given of `expected` and `size` is checked.
  Result<std::unique_ptr<Writer>> write(std::optional<Digest> expected = {},
                                        std::optional<std::uint64_t> size = {});

  // Every lookup makes the blob the most recently used one. After an unclean start the first one
  // reads and hashes it. Errc::not_found: it is not there (any more).
  bool contains(const Digest& digest);
  Result<Pin> pin(const Digest& digest);
  // Read-only; stays readable when the blob is evicted meanwhile.
  Result<UniqueFd> open(const Digest& digest);
  Result<std::string> read(const Digest& digest);
  Result<std::uint64_t> size(const Digest& digest);
  // Where the blob is while `pin` lives. The file may be linked elsewhere and its mode and times
  // changed (see worker/staging), its content never.
  std::filesystem::path path(const Pin& pin) const;

  // Whether the last owner closed the store in good order and this boot has seen it all. If not,
  // whoever keeps links to blobs elsewhere must distrust them.
  bool clean_start() const { return clean_start_; }
  const std::filesystem::path& directory() const { return options_.directory; }

  // Asked for room when all that is not pinned would not be enough; true when pins were given up
  // and it is worth trying again. Called by whoever brings a blob in, on its thread and without any
  // lock of the store. None: such blobs are refused. Set it while nobody else uses the store.
  using GiveUpPins = std::function<bool()>;
  void set_give_up_pins(GiveUpPins give_up_pins) { give_up_pins_ = std::move(give_up_pins); }
  std::uint64_t limit_bytes() const { return options_.limit_bytes; }

  // A snapshot for metrics. All but the first three only grow.
  struct Counters {
    std::uint64_t blobs = 0;
    std::uint64_t bytes = 0;         // content of all blobs
    std::uint64_t pinned_bytes = 0;  // of these, not evictable now
    std::uint64_t limit_bytes = 0;
    std::uint64_t stored = 0;     // blobs that came in and were new
    std::uint64_t evictions = 0;  // blobs
    std::uint64_t hits = 0;       // lookups
    std::uint64_t misses = 0;
    std::uint64_t corrupt = 0;  // blobs found damaged after an unclean start
  };
  Counters counters() const;

 private:
  friend class Pin;
  friend class Writer;
  explicit BlobStore(Options options);

  Status lock_directory();
  Status load();
  // The blobs that the last orderly close vouches for, the least recently used first.
  Result<std::vector<Digest>> take_clean_marker();
  Status write_clean_marker() const;
  std::filesystem::path path_of(const Digest& digest) const;
  // Pins before anything slow happens, so that eviction cannot interfere.
  std::optional<Pin> lookup(const Digest& digest);
  bool verify(const BlobIndex::Handle& entry);
  // `digest` is known to be that of `content`.
  Result<Pin> put_known(const Digest& digest, std::string_view content);
  // Promises `bytes` of the limit to a blob on its way in. Evicts nothing: they may never come.
  Status admit(std::uint64_t bytes);
  // False, and nothing promised, when pins and blobs on their way in leave no room.
  bool try_admit(std::uint64_t bytes);
  // For `bytes` of what was admitted that are about to be written: evicts what must go.
  Status claim(std::uint64_t bytes);
  // When the disk is full below the limit: evicts idle blobs of that many bytes. False: there are
  // not so many, or they cannot be removed.
  bool free_disk(std::uint64_t bytes);
  // REQUIRES: an idle blob; `files_mutex_` and, by `lock`, `mutex_` are held. Lets go of the second
  // while it touches the disk.
  Status evict_oldest(std::unique_lock<std::mutex>& lock);
  Status no_room(std::uint64_t bytes) const;
  void give_back(std::uint64_t admitted, std::uint64_t arrived);
  Status name_file(const Writer& writer, const std::filesystem::path& path);
  // Gives the complete temporary file of `writer` its name.
  Result<Pin> adopt(Writer& writer, const Digest& digest);
  void unpin(const BlobIndex::Handle& entry);

  Options options_;
  GiveUpPins give_up_pins_;
  UniqueFd lock_;
  bool clean_start_ = false;
  std::atomic<std::uint64_t> next_temporary_ = 0;
  // Held while names below blobs/ come and go, so that they do in the order of the index. Taken
  // before `mutex_`, which guards what follows and is never held over a system call: a reactor that
  // unpins or counts does not wait for the disk.
  std::mutex files_mutex_;
  mutable std::mutex mutex_;
  BlobIndex index_;
  std::uint64_t admitted_bytes_ = 0;  // of blobs on their way in, as announced
  std::uint64_t arriving_bytes_ = 0;  // of these, on the disk
  Counters counters_;
};

}  // namespace kiln::store
