#include "client/agent/upload_source.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

#include "common/base/unique_fd.h"
#include "common/store/compression.h"

namespace kiln::client {
namespace {

constexpr std::size_t kReadBytes = 128 << 10;

// Reads a file and compresses on the way.
class FileReader : public net::BlobReader {
 public:
  FileReader(UniqueFd fd, std::uint64_t size) : fd_(std::move(fd)), size_(size) {}

  std::uint64_t size() const override { return size_; }
  wire::Encoding encoding() const override { return wire::Encoding::zstd; }

  Result<std::string> read(std::size_t max_bytes) override {
    const auto keep = [this](std::string_view part) -> Status {
      ready_ += part;
      return {};
    };
    while (ready_.size() < max_bytes && !finished_) {
      std::string part(kReadBytes, '\0');
      const ssize_t count = ::read(fd_.get(), part.data(), part.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail_errno("cannot read an input", errno);
      part.resize(static_cast<std::size_t>(count));
      finished_ = count == 0;
      KILN_TRY(finished_ ? compressor_.finish(keep) : compressor_.add(part, keep));
    }
    std::string out = ready_.substr(0, max_bytes);
    ready_.erase(0, out.size());
    return out;
  }

 private:
  UniqueFd fd_;
  std::uint64_t size_;
  store::Compressor compressor_;
  std::string ready_;
  bool finished_ = false;
};

}  // namespace

void UploadSource::add(const Digest& digest, const std::string& path) {
  const std::lock_guard lock(mutex_);
  Place& place = places_[digest];
  place.path = path;
  ++place.uses;
}

void UploadSource::remove(const Digest& digest) {
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(digest);
  if (found != places_.end() && --found->second.uses == 0) places_.erase(found);
}

Result<std::unique_ptr<net::BlobReader>> UploadSource::open(const Digest& digest) {
  std::string path;
  {
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(digest);
    if (found == places_.end())
      return fail(Errc::not_found, "no such input: blob " + digest.short_hex());
    path = found->second.path;
  }
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!fd.valid() || ::fstat(fd.get(), &info) != 0) return fail_errno("cannot open " + path, errno);
  return std::unique_ptr<net::BlobReader>(
      new FileReader(std::move(fd), static_cast<std::uint64_t>(info.st_size)));
}

}  // namespace kiln::client
