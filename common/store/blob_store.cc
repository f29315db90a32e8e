#include "common/store/blob_store.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>

#include "common/base/files.h"
#include "common/base/lock_file.h"

namespace kiln::store {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10U;
// How often pins are given up for one blob: whoever gives them up may have others to serve as well.
constexpr int kTries = 16;

Result<Digest> digest_of_file(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("open", errno);
  DigestBuilder hash;
  std::string buffer(kReadBytes, '\0');
  while (true) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read", errno);
    if (count == 0) return hash.finish();
    hash.add(as_byte_span(std::string_view(buffer).substr(0, static_cast<std::size_t>(count))));
  }
}

auto not_in_store(const Digest& digest) {
  return fail(Errc::not_found, "the blob " + digest.hex() + " is not in the store");
}

}  // namespace

Pin::Pin(BlobStore& store, BlobIndex::Handle entry) : store_(&store), entry_(std::move(entry)) {}
Pin::Pin(Pin&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)), entry_(std::move(other.entry_)) {}
Pin& Pin::operator=(Pin&& other) noexcept {
  if (this == &other) return *this;
  release();
  store_ = std::exchange(other.store_, nullptr);
  entry_ = std::move(other.entry_);
  return *this;
}
Pin::~Pin() {
  release();
}
void Pin::release() {
  if (auto* store = std::exchange(store_, nullptr)) store->unpin(entry_);
}

BlobStore::BlobStore(Options options) : options_(std::move(options)) {
  if (!options_.file_system) options_.file_system = real_file_system();
  counters_.limit_bytes = options_.limit_bytes;
}

Result<std::unique_ptr<BlobStore>> BlobStore::open(Options options) {
  std::unique_ptr<BlobStore> store(new BlobStore(std::move(options)));
  const auto context = "cannot open the blob store " + store->options_.directory.string();
  auto status = store->lock_directory();
  if (status) status = store->load();
  if (!status) {
    store->lock_.reset();  // so that the destructor knows that there is nothing to close
    return fail(status.error().within(context));
  }
  return store;
}

BlobStore::~BlobStore() {
  if (lock_.valid()) static_cast<void>(write_clean_marker());  // without it blobs are hashed again
}

Status BlobStore::lock_directory() {
  KILN_TRY(make_directories(options_.directory));
  auto lock = lock_file(options_.directory / "lock", 0644);
  if (lock) {
    lock_ = std::move(*lock);
    return {};
  }
  if (lock.error().code != Errc::already_exists) return fail(lock.error());
  return fail(Errc::already_exists,
              "another process has it open; stop that one or choose another directory (--store)");
}

bool BlobStore::contains(const Digest& digest) {
  return lookup(digest).has_value();
}

Result<Pin> BlobStore::pin(const Digest& digest) {
  auto pin = lookup(digest);
  if (!pin) return not_in_store(digest);
  return std::move(*pin);
}

Result<UniqueFd> BlobStore::open(const Digest& digest) {
  const auto pin = lookup(digest);
  if (!pin) return not_in_store(digest);
  UniqueFd fd(::open(path(*pin).c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.valid()) return fd;
  const int number = errno;
  if (number == ENOENT) {  // somebody else removed the file: make it known as missing
    const std::lock_guard lock(mutex_);
    index_.remove(pin->entry_);
  }
  return fail_errno("cannot open the blob " + digest.hex(), number);
}

Result<std::string> BlobStore::read(const Digest& digest) {
  KILN_TRY_ASSIGN(const UniqueFd fd, open(digest));
  auto content = read_all(fd.get());
  if (!content) return fail(content.error().within("cannot read the blob " + digest.hex()));
  return content;
}

Result<std::uint64_t> BlobStore::size(const Digest& digest) {
  const auto pin = lookup(digest);
  if (!pin) return not_in_store(digest);
  return pin->size();
}

std::filesystem::path BlobStore::path(const Pin& pin) const {
  return path_of(pin.digest());
}

std::filesystem::path BlobStore::path_of(const Digest& digest) const {
  const auto hex = digest.hex();
  return options_.directory / "blobs" / hex.substr(0, 2) / hex;
}

std::optional<Pin> BlobStore::lookup(const Digest& digest) {
  std::optional<Pin> pin;
  bool verified = false;
  {
    const std::lock_guard lock(mutex_);
    auto entry = index_.find(digest);
    if (!entry) {
      ++counters_.misses;
      return std::nullopt;
    }
    ++counters_.hits;
    index_.pin(entry);
    verified = entry->verified;
    pin = Pin(*this, std::move(entry));
  }
  if (!verified && !verify(pin->entry_)) return std::nullopt;
  return pin;
}

// Only what is known to be damaged goes: a lack of descriptors or memory says nothing of the blob.
bool BlobStore::verify(const BlobIndex::Handle& entry) {
  const auto path = path_of(entry->digest);
  const auto found = digest_of_file(path);
  if (found && *found == entry->digest) {
    const std::lock_guard lock(mutex_);
    return entry->verified = true;
  }
  const bool damaged =
      found || found.error().code == Errc::not_found || found.error().code == Errc::io;
  const std::lock_guard files(files_mutex_);
  {
    const std::lock_guard lock(mutex_);
    // Replaced by a good copy, or verified, or removed, by another thread.
    if (entry->verified || !entry->listed || !damaged) return entry->verified;
    index_.remove(entry);
    ++counters_.corrupt;
  }
  static_cast<void>(options_.file_system->remove(path));
  return false;
}

void BlobStore::unpin(const BlobIndex::Handle& entry) {
  const std::lock_guard lock(mutex_);
  index_.unpin(entry);
}

Status BlobStore::no_room(std::uint64_t bytes) const {
  return fail(Errc::resource_exhausted,
              "no room for " + std::to_string(bytes) + " bytes in the blob store " +
                  options_.directory.string() + ": of its limit of " +
                  std::to_string(options_.limit_bytes) + " bytes, " +
                  std::to_string(index_.pinned_bytes() + admitted_bytes_) +
                  " are in use by running tasks and staged toolchains; raise --store-limit");
}

Status BlobStore::admit(std::uint64_t bytes) {
  for (int tries = 0; tries < kTries; ++tries) {
    if (try_admit(bytes)) return {};
    const bool fits_alone = bytes <= options_.limit_bytes;
    if (!fits_alone || !give_up_pins_ || !give_up_pins_()) break;
  }
  const std::lock_guard lock(mutex_);
  return no_room(bytes);
}

bool BlobStore::try_admit(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto limit = options_.limit_bytes;
  const auto in_use = index_.pinned_bytes() + admitted_bytes_;
  if (limit > 0 && (bytes > limit || in_use > limit - bytes)) return false;
  admitted_bytes_ += bytes;
  return true;
}

Status BlobStore::claim(std::uint64_t bytes) {
  std::unique_lock lock(mutex_);
  const auto fits = [&] {
    const auto limit = options_.limit_bytes;
    return limit == 0 || index_.bytes() + arriving_bytes_ + bytes <= limit;
  };
  if (!fits()) {
    lock.unlock();
    const std::lock_guard files(files_mutex_);
    lock.lock();
    while (!fits()) {
      if (!index_.oldest_idle()) return no_room(bytes);
      KILN_TRY(evict_oldest(lock));
    }
  }
  arriving_bytes_ += bytes;
  return {};
}

// Out of the index first, so that nobody can pin a file that is about to go. A copy that comes in
// meanwhile waits for `files_mutex_` before it takes the name.
Status BlobStore::evict_oldest(std::unique_lock<std::mutex>& lock) {
  const auto victim = index_.oldest_idle();
  index_.remove(victim);
  lock.unlock();
  const auto path = path_of(victim->digest);
  const auto removed = options_.file_system->remove(path);
  lock.lock();
  if (!removed) {
    index_.insert(victim->digest, victim->size, victim->verified);
    return fail(removed.error().within("cannot evict " + path.string()));
  }
  ++counters_.evictions;
  return {};
}

bool BlobStore::free_disk(std::uint64_t bytes) {
  const std::lock_guard files(files_mutex_);
  std::unique_lock lock(mutex_);
  const auto idle_bytes = [this] { return index_.bytes() - index_.pinned_bytes(); };
  if (idle_bytes() == 0 || idle_bytes() < bytes) return false;
  std::uint64_t freed = 0;
  while (freed < bytes) {
    const auto victim = index_.oldest_idle();
    if (!victim || !evict_oldest(lock)) return false;
    freed += victim->size;
  }
  return true;
}

void BlobStore::give_back(std::uint64_t admitted, std::uint64_t arrived) {
  const std::lock_guard lock(mutex_);
  admitted_bytes_ -= admitted;
  arriving_bytes_ -= arrived;
}

BlobStore::Counters BlobStore::counters() const {
  const std::lock_guard lock(mutex_);
  auto counters = counters_;
  counters.blobs = index_.count();
  counters.bytes = index_.bytes();
  counters.pinned_bytes = index_.pinned_bytes();
  return counters;
}

}  // namespace kiln::store
