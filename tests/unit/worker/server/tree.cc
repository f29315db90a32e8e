#include "tests/unit/worker/server/tree.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "common/base/files.h"
#include "common/wire/codec.h"
#include "tests/support/shared_libraries.h"

namespace kiln::worker {
namespace {

std::string content_of(const std::string& path) {
  return read_file(std::filesystem::canonical(path)).value_or("");
}

}  // namespace

Tree::Node& Tree::at(const std::string& path) {
  Node* node = &root_;
  std::istringstream parts(path);
  std::string part;
  while (std::getline(parts, part, '/')) {
    if (!part.empty()) node = &node->children[part];
  }
  return *node;
}

void Tree::add_file(const std::string& path, const std::string& content, std::uint32_t mode) {
  Node& node = at(path);
  node.is_file = true;
  node.content = content;
  node.mode = mode;
}

void Tree::add_directory(const std::string& path) {
  at(path);
}

Digest Tree::finish(const Node& node, Blobs& blobs) {
  Directory directory;
  for (const auto& [name, child] : node.children) {
    TreeEntry entry;
    entry.name = name;
    entry.mode = child.mode;
    if (child.is_file) {
      entry.size = child.content.size();
      entry.digest = digest_of(child.content);
      blobs[entry.digest] = child.content;
    } else {
      entry.kind = EntryKind::directory;
      entry.digest = finish(child, blobs);
    }
    directory.entries.push_back(std::move(entry));
  }
  const std::string bytes = wire::encode_directory(directory);
  const Digest digest = digest_of(bytes);
  blobs[digest] = bytes;
  return digest;
}

Digest Tree::finish(Blobs& blobs) const {
  return finish(root_, blobs);
}

Tree shell_toolchain() {
  Tree tree;
  const std::vector<std::string> programs = {"/bin/sh", "/bin/cat", "/bin/sleep", "/bin/head"};
  for (const auto& program : programs) tree.add_file(program, content_of(program), 0755);
  for (const auto& library : test_support::libraries_of(programs)) {
    tree.add_file(library, content_of(library), 0755);
  }
  return tree;
}

}  // namespace kiln::worker
