#include "client/inputs/tree_builder.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_set>

#include "common/model/tree.h"
#include "common/wire/codec.h"

namespace kiln::client {
namespace {

// As the kernel's limit on symlinks in one walk.
constexpr int kMaxSymlinks = 40;

struct Node {
  FileStatus status;
  std::string path;    // absolute, without symlinks
  std::string target;  // symlinks
  Digest digest;       // files
  Node* parent = nullptr;
  std::map<std::string, std::unique_ptr<Node>, std::less<>> children;
};

std::optional<EntryKind> entry_kind(FileKind kind) {
  switch (kind) {
    case FileKind::regular:
      return EntryKind::file;
    case FileKind::directory:
      return EntryKind::directory;
    case FileKind::symlink:
      return EntryKind::symlink;
    case FileKind::other:
      break;
  }
  return std::nullopt;
}

using LinkKey = std::pair<std::uint64_t, std::uint64_t>;

}  // namespace

class TreeBuilder::Impl {
 public:
  Impl(const FileSystem& files, FileDigestCache& digests, std::string cwd)
      : files_(files), digests_(digests), cwd_(std::move(cwd)) {
    root_.status.kind = FileKind::directory;
    root_.status.mode = 0755;
    root_.parent = &root_;
  }

  Status add_file(const std::string& path) {
    KILN_TRY_ASSIGN(Node * node, walk(path));
    if (node->status.kind != FileKind::regular) {
      return fail(Errc::unsupported, "add input " + path + ": it is not a regular file");
    }
    if (!node->digest.empty()) return {};
    KILN_TRY_ASSIGN(node->digest, digests_.digest(node->path, node->status));
    return {};
  }

  Status add_directory(const std::string& path) {
    auto node = walk(path);
    if (node || node.error().code == Errc::not_found) return {};
    return fail(std::move(node).error());
  }

  Result<InputTree> finish() {
    KILN_TRY(add_directory(cwd_));
    number_links();
    InputTree tree;
    KILN_TRY_ASSIGN(tree.root, encode(root_, tree));
    return tree;
  }

 private:
  // The node that `path` leads to, entering all that is passed on the way.
  Result<Node*> walk(const std::string& path) {
    std::string rest = absolute_path(cwd_, path);
    Node* node = &root_;
    int symlinks = 0;
    std::size_t at = 0;
    while (at < rest.size()) {
      const std::size_t begin = rest.find_first_not_of('/', at);
      if (begin == std::string::npos) break;
      const std::size_t end = std::min(rest.find('/', begin), rest.size());
      const std::string_view component(rest.data() + begin, end - begin);
      KILN_TRY_ASSIGN(Node * next, step(*node, component));
      at = end;
      if (next->status.kind == FileKind::symlink) {
        if (++symlinks > kMaxSymlinks) {
          return fail(Errc::not_found, "follow " + path + ": too many symlinks");
        }
        if (next->target.starts_with('/')) node = &root_;
        rest = next->target + "/" + rest.substr(std::min(end, rest.size()));
        at = 0;
        continue;
      }
      node = next;
    }
    return node;
  }

  // One component seen from `from`: the node itself, a symlink not followed.
  Result<Node*> step(Node& from, std::string_view component) {
    if (from.status.kind != FileKind::directory) {
      return fail(Errc::not_found, from.path + " is not a directory");
    }
    if (component == ".") return &from;
    if (component == "..") return from.parent;
    if (const auto found = from.children.find(component); found != from.children.end()) {
      return found->second.get();
    }
    std::string path = from.path + "/";
    path += component;
    if (missing_.contains(path)) return fail(Errc::not_found, path + " does not exist");
    auto status = files_.lstat(path);
    if (!status) {
      if (status.error().code == Errc::not_found) missing_.insert(std::move(path));
      return fail(std::move(status).error());
    }
    return enter(from, component, std::move(path), *status);
  }

  Result<Node*> enter(Node& from, std::string_view name, std::string path,
                      const FileStatus& status) {
    auto node = std::make_unique<Node>();
    node->status = status;
    node->parent = &from;
    if (status.kind == FileKind::symlink) {
      KILN_TRY_ASSIGN(node->target, files_.read_link(path));
    }
    if (!entry_kind(status.kind)) {
      return fail(Errc::unsupported, path + " is neither a file nor a directory");
    }
    node->path = std::move(path);
    return from.children.emplace(name, std::move(node)).first->second.get();
  }

  // Links are numbered in the order of the finished tree, so that equal trees are equal bytes
  // whatever order they were added in.
  void number_links() {
    std::map<LinkKey, std::uint64_t> seen;
    count_links(root_, seen);
    std::erase_if(seen, [](const auto& group) { return group.second < 2; });
    std::uint64_t next = 0;
    assign_links(root_, seen, next);
  }

  void count_links(const Node& node, std::map<LinkKey, std::uint64_t>& seen) const {
    if (is_input(node) && node.status.links > 1) ++seen[{node.status.device, node.status.inode}];
    for (const auto& [name, child] : node.children) count_links(*child, seen);
  }

  void assign_links(const Node& node, const std::map<LinkKey, std::uint64_t>& shared,
                    std::uint64_t& next) {
    const LinkKey key{node.status.device, node.status.inode};
    if (is_input(node) && shared.contains(key) && !groups_.contains(key)) groups_[key] = ++next;
    for (const auto& [name, child] : node.children) assign_links(*child, shared, next);
  }

  // A file that was only walked over, as in "file/..", is not an input.
  static bool is_input(const Node& node) {
    return node.status.kind == FileKind::regular && !node.digest.empty();
  }

  Result<Digest> encode(const Node& node, InputTree& tree) {
    Directory directory;
    directory.entries.reserve(node.children.size());
    for (const auto& [name, child] : node.children) {
      if (child->status.kind == FileKind::regular && !is_input(*child)) continue;
      KILN_TRY_ASSIGN(TreeEntry entry, entry_of(name, *child, tree));
      directory.entries.push_back(std::move(entry));
    }
    std::string bytes = wire::encode_directory(directory);
    const Digest digest = digest_of(bytes);
    if (listed_.insert(digest).second) tree.listings.emplace_back(digest, std::move(bytes));
    return digest;
  }

  Result<TreeEntry> entry_of(const std::string& name, const Node& node, InputTree& tree) {
    TreeEntry entry;
    entry.name = name;
    entry.kind = *entry_kind(node.status.kind);
    entry.mode = node.status.mode;
    if (entry.kind == EntryKind::symlink) {
      entry.target = node.target;
    } else if (entry.kind == EntryKind::directory) {
      KILN_TRY_ASSIGN(entry.digest, encode(node, tree));
    } else {
      entry.mtime_ns = node.status.mtime_ns;
      entry.size = node.status.size;
      entry.digest = node.digest;
      const auto group = groups_.find({node.status.device, node.status.inode});
      if (group != groups_.end()) entry.link_group = group->second;
      note_file(node, tree);
    }
    return entry;
  }

  void note_file(const Node& node, InputTree& tree) {
    ++tree.file_count;
    if (!blobs_.insert(node.digest).second) return;
    tree.bytes += node.status.size;
    tree.files.push_back({node.digest, node.path, node.status.size});
  }

  const FileSystem& files_;
  FileDigestCache& digests_;
  const std::string cwd_;
  Node root_;
  std::unordered_set<std::string> missing_;
  std::unordered_set<Digest> listed_;
  std::unordered_set<Digest> blobs_;
  std::map<LinkKey, std::uint64_t> groups_;
};

TreeBuilder::TreeBuilder(const FileSystem& files, FileDigestCache& digests, std::string cwd)
    : impl_(std::make_unique<Impl>(files, digests, std::move(cwd))) {}
TreeBuilder::~TreeBuilder() = default;

Status TreeBuilder::add_file(const std::string& path) {
  return impl_->add_file(path);
}

Status TreeBuilder::add_directory(const std::string& path) {
  return impl_->add_directory(path);
}

Result<InputTree> TreeBuilder::finish() {
  return impl_->finish();
}

}  // namespace kiln::client
