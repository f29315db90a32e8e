// Which living nodes have which toolchain staged, so that others can take it from them.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "common/base/digest.h"
#include "common/model/pool.h"
#include "coordinator/scheduling/random.h"

namespace kiln::coordinator {

class SourceBook {
 public:
  // Replaces what was known of the node. `address`: where its blobs are fetched from.
  void set(const std::string& node, const std::string& address,
           const std::vector<Digest>& toolchains);
  void remove(const std::string& node);

  // Nodes that have it.
  std::size_t count(const Digest& toolchain) const;
  bool has(const std::string& node, const Digest& toolchain) const;
  // Up to `limit` different addresses, at random, for what the node lacks of `wanted`: one for each
  // toolchain first.
  std::vector<std::string> pick(const std::string& node, const std::vector<PoolToolchain>& wanted,
                                std::size_t limit, Random& random) const;

 private:
  struct Holder {
    std::string address;
    std::vector<Digest> toolchains;
  };
  std::map<std::string, Holder> holders_;                 // by node
  std::map<Digest, std::vector<std::string>> by_digest_;  // nodes
};

}  // namespace kiln::coordinator
