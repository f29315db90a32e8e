#include "worker/staging/staging_files.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>

#include "common/base/files.h"

namespace kiln::worker {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kCopyBytes = std::size_t{1} << 20U;
constexpr std::size_t kBufferBytes = std::size_t{256} << 10U;

Status copy_by_buffer(int from, int to) {
  std::string buffer(kBufferBytes, '\0');
  while (true) {
    const ssize_t count = ::read(from, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read", errno);
    if (count == 0) return {};
    KILN_TRY(write_all(to, std::string_view(buffer).substr(0, static_cast<std::size_t>(count))));
  }
}

timespec time_of(std::int64_t nanoseconds) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  timespec time{};
  time.tv_sec = nanoseconds / kSecond - (nanoseconds % kSecond < 0 ? 1 : 0);
  time.tv_nsec = nanoseconds - time.tv_sec * kSecond;
  return time;
}

}  // namespace

Result<UniqueFd> open_directory(const fs::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("cannot open the directory " + path.string(), errno);
  return fd;
}

Result<UniqueFd> open_directory_at(int parent, const std::string& name) {
  UniqueFd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("open " + name, errno);
  return fd;
}

Result<UniqueFd> make_directory_at(int parent, const std::string& name) {
  if (::mkdirat(parent, name.c_str(), 0755) != 0) return fail_errno("mkdir " + name, errno);
  KILN_TRY_ASSIGN(auto fd, open_directory_at(parent, name));
  if (::fchmod(fd.get(), 0755) != 0) return fail_errno("chmod " + name, errno);
  return fd;
}

Status make_empty_directory(const fs::path& path) {
  std::error_code code;
  fs::remove_all(path, code);
  if (code) return fail_errno("cannot empty " + path.string(), code.value());
  return make_directories(path);
}

unsigned staged_mode(std::uint32_t listed) {
  const bool executable = (listed & 0111U) != 0;
  return (listed & 0777U) | 0444U | (executable ? 0111U : 0U);
}

Status set_attributes(int fd, const TreeEntry& entry) {
  if (::fchmod(fd, staged_mode(entry.mode)) != 0) return fail_errno("chmod", errno);
  const timespec time = time_of(entry.mtime_ns);
  const timespec times[2] = {time, time};
  if (::futimens(fd, times) != 0) return fail_errno("set the mtime", errno);
  return {};
}

Status copy_content(int from, int to) {
  while (true) {
    const ssize_t count = ::copy_file_range(from, nullptr, to, nullptr, kCopyBytes, 0);
    if (count == 0) return {};
    if (count > 0 || errno == EINTR) continue;
    if (errno == ENOSPC || errno == EDQUOT || errno == EIO) return fail_errno("copy", errno);
    return copy_by_buffer(from, to);  // from where the offsets stand
  }
}

Result<std::uint64_t> bytes_below(const fs::path& path) {
  std::uint64_t bytes = 0;
  std::error_code code;
  for (fs::recursive_directory_iterator at(path, code);
       !code && at != fs::recursive_directory_iterator(); at.increment(code)) {
    if (at->symlink_status(code).type() == fs::file_type::regular) bytes += at->file_size(code);
  }
  if (code) return fail_errno("cannot list " + path.string(), code.value());
  return bytes;
}

}  // namespace kiln::worker
