#include "common/store/blob_store.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>

#include "common/base/files.h"

namespace kiln::store {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10U;

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
  const auto path = options_.directory / "lock";
  lock_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!lock_.valid()) return fail_errno("cannot open its lock file " + path.string(), errno);
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return fail_errno("cannot lock " + path.string(), errno);
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

bool BlobStore::verify(const BlobIndex::Handle& entry) {
  const auto path = path_of(entry->digest);
  const auto found = digest_of_file(path);
  const std::lock_guard lock(mutex_);
  if (entry->verified) return true;  // replaced by a good copy, or verified, by another thread
  if (found && *found == entry->digest) {
    entry->verified = true;
  } else if (entry->listed) {
    static_cast<void>(options_.file_system->remove(path));
    index_.remove(entry);
    ++counters_.corrupt;
  }
  return entry->verified;
}

void BlobStore::unpin(const BlobIndex::Handle& entry) {
  const std::lock_guard lock(mutex_);
  index_.unpin(entry);
}

Status BlobStore::reserve(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto limit = options_.limit_bytes;
  const auto in_use = index_.pinned_bytes() + reserved_bytes_;
  if (limit > 0 && (bytes > limit || in_use > limit - bytes)) {
    return fail(Errc::resource_exhausted,
                "no room for " + std::to_string(bytes) + " bytes in the blob store " +
                    options_.directory.string() + ": of its limit of " + std::to_string(limit) +
                    " bytes, " + std::to_string(in_use) +
                    " are in use by running tasks and staged toolchains; raise --store-limit");
  }
  while (limit > 0 && index_.bytes() + reserved_bytes_ + bytes > limit) KILN_TRY(evict_one());
  reserved_bytes_ += bytes;
  return {};
}

Status BlobStore::evict_one() {
  const auto victim = index_.oldest_idle();
  if (!victim) return fail(Errc::internal, "nothing to evict below the limit of the blob store");
  const auto removed = options_.file_system->remove(path_of(victim->digest));
  if (!removed) {
    return fail(removed.error().within("cannot evict " + path_of(victim->digest).string()));
  }
  index_.remove(victim);
  ++counters_.evictions;
  return {};
}

void BlobStore::unreserve(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  reserved_bytes_ -= bytes;
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
