// What the client asks of the file system, behind an interface so that everything that decides from
// files is tested over a made-up one that records what was asked.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/result.h"

namespace kiln::client {

enum class FileKind : std::uint8_t { regular, directory, symlink, other };

// lstat(2), as far as Kiln looks at it.
struct FileStatus {
  FileKind kind = FileKind::other;
  std::uint32_t mode = 0;  // permission bits, 07777
  std::uint64_t size = 0;  // bytes
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t links = 1;

  friend bool operator==(const FileStatus&, const FileStatus&) = default;
};

// Paths are absolute. Implementations are thread-safe. Errors name the path: Errc::not_found for
// ENOENT and ENOTDIR.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // Does not follow a symlink in the last component.
  virtual Result<FileStatus> lstat(const std::string& path) const = 0;
  // Follows symlinks.
  virtual Result<FileStatus> stat(const std::string& path) const = 0;
  virtual Result<std::string> read_link(const std::string& path) const = 0;
  // The whole content.
  virtual Result<std::string> read(const std::string& path) const = 0;
  // access(2), following symlinks; false also where nothing is.
  virtual bool readable(const std::string& path) const = 0;
  virtual bool writable(const std::string& path) const = 0;
  // Nanoseconds since the Unix epoch, on the clock that stamps files.
  virtual std::int64_t now_ns() const = 0;
};

// The machine's own.
class RealFileSystem final : public FileSystem {
 public:
  Result<FileStatus> lstat(const std::string& path) const override;
  Result<FileStatus> stat(const std::string& path) const override;
  Result<std::string> read_link(const std::string& path) const override;
  Result<std::string> read(const std::string& path) const override;
  bool readable(const std::string& path) const override;
  bool writable(const std::string& path) const override;
  std::int64_t now_ns() const override;
};

// `path` seen from `cwd`: unchanged when absolute. Keeps "..", which may cross a symlink.
std::string absolute_path(const std::string& cwd, const std::string& path);

}  // namespace kiln::client
