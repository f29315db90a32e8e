#include "client/toolchain/toolchain.h"

#include <utility>

namespace kiln::client {
namespace {

// Shows a file system as every machine with the same packages has it: see build_toolchain.
class UniformFileSystem final : public FileSystem {
 public:
  explicit UniformFileSystem(const FileSystem& real) : real_(real) {}

  Result<FileStatus> lstat(const std::string& path) const override {
    return uniform(real_.lstat(path));
  }
  Result<FileStatus> stat(const std::string& path) const override {
    return uniform(real_.stat(path));
  }
  Result<std::string> read_link(const std::string& path) const override {
    return real_.read_link(path);
  }
  Result<std::string> read(const std::string& path) const override { return real_.read(path); }
  bool readable(const std::string& path) const override { return real_.readable(path); }
  bool writable(const std::string& path) const override { return real_.writable(path); }
  std::int64_t now_ns() const override { return real_.now_ns(); }

 private:
  static Result<FileStatus> uniform(Result<FileStatus> status) {
    if (status) {
      status->mtime_ns = 0;
      status->links = 1;
    }
    return status;
  }

  const FileSystem& real_;
};

}  // namespace

Result<Toolchain> build_toolchain(const FileList& list, const FileSystem& files,
                                  FileDigestCache& digests) {
  const UniformFileSystem uniform(files);
  TreeBuilder builder(uniform, digests, "/");
  for (const auto& path : list.files) KILN_TRY(builder.add_file(path));
  for (const auto& path : list.directories) KILN_TRY(builder.add_directory(path));
  KILN_TRY_ASSIGN(InputTree tree, builder.finish());
  Toolchain toolchain;
  toolchain.root = tree.root;
  toolchain.listings = std::move(tree.listings);
  toolchain.files = std::move(tree.files);
  toolchain.file_count = tree.file_count;
  toolchain.size_bytes = tree.bytes;
  return toolchain;
}

}  // namespace kiln::client
