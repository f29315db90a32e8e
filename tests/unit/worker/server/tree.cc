#include "tests/unit/worker/server/tree.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "common/base/files.h"
#include "common/wire/codec.h"

namespace kiln::worker {
namespace {

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 4096> buffer;
  while (pipe != nullptr) {
    const auto count = std::fread(buffer.data(), 1, buffer.size(), pipe);
    if (count == 0) break;
    text.append(buffer.data(), count);
  }
  if (pipe != nullptr) ::pclose(pipe);
  return text;
}

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
  std::string programs;
  for (const std::string name : {"sh", "cat", "sleep", "head"}) {
    tree.add_file("/bin/" + name, content_of("/bin/" + name), 0755);
    programs += " /bin/" + name;
  }
  std::istringstream words(output_of("ldd" + programs));
  std::string word;
  while (words >> word) {
    if (word.front() == '/' && word.back() != ':') tree.add_file(word, content_of(word), 0755);
  }
  return tree;
}

}  // namespace kiln::worker
