// Trees made in memory: listings and contents by digest, as an agent would send them.
#pragma once

#include <map>
#include <string>

#include "common/base/digest.h"
#include "common/model/tree.h"

namespace kiln::worker {

using Blobs = std::map<Digest, std::string>;

class Tree {
 public:
  // `path` is absolute; directories on the way are made.
  void add_file(const std::string& path, const std::string& content, std::uint32_t mode = 0644);
  void add_directory(const std::string& path);
  // Of the content of a file.
  Digest digest_at(const std::string& path) { return digest_of(at(path).content); }

  // The root listing; all listings and contents go to `blobs`.
  Digest finish(Blobs& blobs) const;

 private:
  struct Node {
    std::map<std::string, Node> children;  // of a directory
    bool is_file = false;
    std::string content;
    std::uint32_t mode = 0755;
  };
  Node& at(const std::string& path);
  static Digest finish(const Node& node, Blobs& blobs);

  Node root_;
};

// A shell with cat, sleep and head, and the libraries that they need, from this machine.
Tree shell_toolchain();

}  // namespace kiln::worker
