#include "common/store/file_system.h"

#include <cerrno>
#include <cstdio>

#include <unistd.h>

#include "common/base/files.h"

namespace kiln::store {
namespace {

class RealFileSystem final : public FileSystem {
 public:
  Status write(int fd, std::string_view content) override { return write_all(fd, content); }
  Status rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return fail_errno("rename", errno);
    return {};
  }
  Status remove(const std::filesystem::path& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("unlink", errno);
    return {};
  }
};

}  // namespace

std::unique_ptr<FileSystem> real_file_system() {
  return std::make_unique<RealFileSystem>();
}

}  // namespace kiln::store
