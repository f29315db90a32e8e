#include "client/inputs/file_system.h"

#include <cerrno>
#include <ctime>

#include <sys/stat.h>
#include <unistd.h>

#include "common/base/files.h"

namespace kiln::client {
namespace {

std::int64_t nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

FileKind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return FileKind::regular;
  if (S_ISDIR(mode)) return FileKind::directory;
  if (S_ISLNK(mode)) return FileKind::symlink;
  return FileKind::other;
}

FileStatus status_of(const struct stat& raw) {
  FileStatus status;
  status.kind = kind_of(raw.st_mode);
  status.mode = raw.st_mode & 07777U;
  status.size = static_cast<std::uint64_t>(raw.st_size);
  status.mtime_ns = nanoseconds(raw.st_mtim);
  status.ctime_ns = nanoseconds(raw.st_ctim);
  status.device = raw.st_dev;
  status.inode = raw.st_ino;
  status.links = raw.st_nlink;
  return status;
}

// Missing files are asked for all the time: their message is kept cheap.
tl::unexpected<Error> failed(const std::string& path, int number) {
  if (number == ENOENT || number == ENOTDIR) return fail(Errc::not_found, path + " does not exist");
  return fail_errno("look at " + path, number);
}

}  // namespace

Result<FileStatus> RealFileSystem::lstat(const std::string& path) const {
  struct stat raw {};
  if (::lstat(path.c_str(), &raw) != 0) return failed(path, errno);
  return status_of(raw);
}

Result<FileStatus> RealFileSystem::stat(const std::string& path) const {
  struct stat raw {};
  if (::stat(path.c_str(), &raw) != 0) return failed(path, errno);
  return status_of(raw);
}

Result<std::string> RealFileSystem::read_link(const std::string& path) const {
  std::string target(256, '\0');
  while (true) {
    const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
    if (length < 0) return failed(path, errno);
    if (static_cast<std::size_t>(length) < target.size()) {
      target.resize(static_cast<std::size_t>(length));
      return target;
    }
    target.resize(target.size() * 2);
  }
}

Result<std::string> RealFileSystem::read(const std::string& path) const {
  return read_file(path);
}

bool RealFileSystem::readable(const std::string& path) const {
  return ::access(path.c_str(), R_OK) == 0;
}

bool RealFileSystem::writable(const std::string& path) const {
  return ::access(path.c_str(), W_OK) == 0;
}

std::int64_t RealFileSystem::now_ns() const {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return nanoseconds(now);
}

std::string absolute_path(const std::string& cwd, const std::string& path) {
  if (!path.empty() && path.front() == '/') return path;
  if (!cwd.empty() && cwd.back() == '/') return cwd + path;
  return cwd + "/" + path;
}

}  // namespace kiln::client
