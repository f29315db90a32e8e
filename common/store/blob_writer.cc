// How blobs come in: reserve room, write a temporary file while hashing, compare, rename.
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "common/base/files.h"
#include "common/store/blob_store.h"

namespace kiln::store {
namespace {

constexpr std::size_t kFeedBytes = std::size_t{256} << 10U;
constexpr int kFullDiskRounds = 4;

auto wrong_size(std::uint64_t expected) {
  return fail(Errc::corrupt, "a blob announced with " + std::to_string(expected) +
                                 " bytes has another size; it was not stored");
}

auto wrong_digest(const Digest& expected, const Digest& found) {
  return fail(Errc::corrupt, "a blob announced as " + expected.hex() + " hashes to " + found.hex() +
                                 "; it was not stored");
}

}  // namespace

Writer::Writer(BlobStore& store, std::optional<Digest> expected, std::optional<std::uint64_t> size)
    : store_(store), expected_(expected), expected_size_(size) {}

Writer::~Writer() {
  if (!temporary_.empty()) static_cast<void>(store_.options_.file_system->remove(temporary_));
  store_.give_back(admitted_, claimed_);
}

Status Writer::create() {
  if (expected_size_) {
    KILN_TRY(store_.admit(*expected_size_));
    admitted_ = *expected_size_;
  }
  const auto path = store_.options_.directory / "tmp" / std::to_string(store_.next_temporary_++);
  fd_.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!fd_.valid()) return fail_errno("cannot create " + path.string(), errno);
  temporary_ = path;
  return {};
}

Status Writer::append(std::string_view part) {
  hash_.add(as_byte_span(part));
  return add(part);
}

Status Writer::add(std::string_view part) {
  written_ += part.size();
  if (expected_size_ && written_ > *expected_size_) return wrong_size(*expected_size_);
  if (written_ > admitted_) {
    KILN_TRY(store_.admit(written_ - admitted_));
    admitted_ = written_;
  }
  KILN_TRY(store_.claim(part.size()));
  claimed_ += part.size();
  const auto status = write(part);
  if (status) return {};
  return fail(status.error().within("cannot write a blob to " + temporary_.string() +
                                    " (if the disk is full, free some or lower --store-limit)"));
}

// The disk may be full below the store's limit, through others' files: then idle blobs make room.
// Not without end, as what holds the space may be links to blobs elsewhere.
Status Writer::write(std::string_view part) {
  const auto before = static_cast<off_t>(written_ - part.size());
  for (int round = 0;; ++round) {
    auto status = store_.options_.file_system->write(fd_.get(), part);
    if (status || status.error().code != Errc::resource_exhausted) return status;
    if (round == kFullDiskRounds || !store_.free_disk(part.size())) return status;
    if (::ftruncate(fd_.get(), before) != 0 || ::lseek(fd_.get(), before, SEEK_SET) != before) {
      return fail_errno("cannot start a part anew", errno);
    }
  }
}

Result<Pin> Writer::finish() {
  const auto found = hash_.finish();
  if (expected_size_ && written_ != *expected_size_) return wrong_size(*expected_size_);
  if (expected_ && found != *expected_) return wrong_digest(*expected_, found);
  fd_.reset();
  return store_.adopt(*this, found);
}

Result<std::unique_ptr<Writer>> BlobStore::write(std::optional<Digest> expected,
                                                 std::optional<std::uint64_t> size) {
  std::unique_ptr<Writer> writer(new Writer(*this, expected, size));
  KILN_TRY(writer->create());
  return writer;
}

Result<Pin> BlobStore::put(std::string_view content) {
  return put_known(digest_of(content), content);
}

Result<Pin> BlobStore::put(const Digest& expected, std::string_view content) {
  const auto found = digest_of(content);
  if (found != expected) return wrong_digest(expected, found);
  return put_known(found, content);
}

Result<Pin> BlobStore::put_known(const Digest& digest, std::string_view content) {
  if (auto pin = lookup(digest)) return std::move(*pin);
  Writer writer(*this, digest, content.size());
  KILN_TRY(writer.create());
  KILN_TRY(writer.add(content));
  writer.fd_.reset();
  return adopt(writer, digest);
}

Result<Pin> BlobStore::put_file(int fd) {
  KILN_TRY_ASSIGN(const auto writer, write());
  std::string buffer(kFeedBytes, '\0');
  while (true) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("cannot read a file to store it", errno);
    if (count == 0) return writer->finish();
    KILN_TRY(writer->append(std::string_view(buffer).substr(0, static_cast<std::size_t>(count))));
  }
}

Status BlobStore::name_file(const Writer& writer, const std::filesystem::path& path) {
  auto renamed = options_.file_system->rename(writer.temporary_, path);
  if (!renamed && renamed.error().code == Errc::not_found) {  // the first one of its folder
    KILN_TRY(make_directories(path.parent_path()));
    renamed = options_.file_system->rename(writer.temporary_, path);
  }
  if (!renamed) return fail(renamed.error().within("cannot store a blob as " + path.string()));
  return {};
}

Result<Pin> BlobStore::adopt(Writer& writer, const Digest& digest) {
  const std::lock_guard files(files_mutex_);
  std::unique_lock lock(mutex_);
  auto entry = index_.find(digest);
  if (entry && entry->verified) {  // somebody else was first: the writer removes its file
    index_.pin(entry);
    return Pin(*this, std::move(entry));
  }
  lock.unlock();
  KILN_TRY(name_file(writer, path_of(digest)));
  writer.temporary_.clear();
  lock.lock();
  entry = index_.find(digest);
  if (entry && entry->size == writer.written_) {
    entry->verified = true;  // not hashed yet since an unclean start: this copy of it is good
  } else {
    if (entry) index_.remove(entry);
    entry = index_.insert(digest, writer.written_, true);
  }
  ++counters_.stored;
  admitted_bytes_ -= std::exchange(writer.admitted_, 0);
  arriving_bytes_ -= std::exchange(writer.claimed_, 0);
  index_.pin(entry);
  return Pin(*this, std::move(entry));
}

}  // namespace kiln::store
