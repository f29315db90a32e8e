// A file system in memory that counts what is asked of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "client/inputs/file_system.h"

namespace kiln::client {

class FakeFileSystem final : public FileSystem {
 public:
  FakeFileSystem() { add_directory("/"); }

  // The parents of what is added are made.
  FileStatus& add_directory(const std::string& path) { return add(path, FileKind::directory, {}); }
  FileStatus& add_file(const std::string& path, std::string content) {
    FileStatus& status = add(path, FileKind::regular, std::move(content));
    status.size = nodes_.at(path).content.size();
    return status;
  }
  FileStatus& add_symlink(const std::string& path, std::string target) {
    return add(path, FileKind::symlink, std::move(target));
  }
  FileStatus& add_other(const std::string& path) { return add(path, FileKind::other, {}); }
  void forbid_writing(const std::string& path) { read_only_.insert(path); }
  void forbid_reading(const std::string& path) { unreadable_.insert(path); }
  void set_now_ns(std::int64_t now_ns) { now_ns_ = now_ns; }

  std::uint64_t lstats() const { return lstats_; }
  std::uint64_t reads() const { return reads_; }

  Result<FileStatus> lstat(const std::string& path) const override {
    ++lstats_;
    const auto found = nodes_.find(path);
    if (found == nodes_.end()) return fail(Errc::not_found, path + " does not exist");
    return found->second.status;
  }
  Result<FileStatus> stat(const std::string& path) const override {
    const auto found = nodes_.find(plain(path));
    if (found == nodes_.end()) return fail(Errc::not_found, path + " does not exist");
    if (found->second.status.kind != FileKind::symlink) return found->second.status;
    return stat(found->second.content);
  }
  Result<std::string> read_link(const std::string& path) const override {
    return nodes_.at(path).content;
  }
  Result<std::string> read(const std::string& path) const override {
    ++reads_;
    const auto found = nodes_.find(plain(path));
    if (found == nodes_.end()) return fail(Errc::not_found, path + " does not exist");
    return found->second.content;
  }
  bool readable(const std::string& path) const override {
    return nodes_.contains(plain(path)) && !unreadable_.contains(path);
  }
  bool writable(const std::string& path) const override {
    return nodes_.contains(path) && !read_only_.contains(path);
  }
  std::int64_t now_ns() const override { return now_ns_; }

 private:
  struct Node {
    FileStatus status;
    std::string content;
  };

  // "." and ".." as text: no test has a symlink before them in what only looks at files.
  static std::string plain(const std::string& path) {
    return std::filesystem::path(path).lexically_normal().string();
  }

  FileStatus& add(const std::string& path, FileKind kind, std::string content) {
    const std::size_t slash = path.rfind('/');
    const std::string parent = slash == 0 ? "/" : path.substr(0, slash);
    if (path != "/" && !nodes_.contains(parent)) add_directory(parent);
    FileStatus status;
    status.kind = kind;
    status.mode = kind == FileKind::directory ? 0755 : 0644;
    status.inode = nodes_.size() + 1;
    return nodes_.insert_or_assign(path, Node{status, std::move(content)}).first->second.status;
  }

  std::map<std::string, Node> nodes_;
  std::set<std::string> read_only_;
  std::set<std::string> unreadable_;
  std::int64_t now_ns_ = 100'000'000'000;
  mutable std::uint64_t lstats_ = 0;
  mutable std::uint64_t reads_ = 0;
};

}  // namespace kiln::client
