#include "coordinator/pools/source_book.h"

#include <algorithm>

namespace kiln::coordinator {

void SourceBook::set(const std::string& node, const std::string& address,
                     const std::vector<Digest>& toolchains) {
  remove(node);
  if (toolchains.empty()) return;
  holders_[node] = {address, toolchains};
  for (const auto& toolchain : toolchains) by_digest_[toolchain].push_back(node);
}

void SourceBook::remove(const std::string& node) {
  const auto found = holders_.find(node);
  if (found == holders_.end()) return;
  for (const auto& toolchain : found->second.toolchains) {
    auto& nodes = by_digest_[toolchain];
    nodes.erase(std::remove(nodes.begin(), nodes.end(), node), nodes.end());
    if (nodes.empty()) by_digest_.erase(toolchain);
  }
  holders_.erase(found);
}

std::size_t SourceBook::count(const Digest& toolchain) const {
  const auto found = by_digest_.find(toolchain);
  return found == by_digest_.end() ? 0 : found->second.size();
}

bool SourceBook::has(const std::string& node, const Digest& toolchain) const {
  const auto found = holders_.find(node);
  if (found == holders_.end()) return false;
  const auto& staged = found->second.toolchains;
  return std::find(staged.begin(), staged.end(), toolchain) != staged.end();
}

std::vector<std::string> SourceBook::pick(const std::string& node,
                                          const std::vector<PoolToolchain>& wanted,
                                          std::size_t limit, Random& random) const {
  std::vector<std::string> picked;
  for (std::size_t round = 0; round < limit; ++round) {
    for (const auto& toolchain : wanted) {
      const auto found = by_digest_.find(toolchain.digest);
      if (picked.size() >= limit || found == by_digest_.end()) continue;
      const auto& nodes = found->second;
      // The list without the node itself: it lacks this one, or needs no source.
      if (has(node, toolchain.digest)) continue;
      const auto& address = holders_.at(nodes[random.below(nodes.size())]).address;
      if (std::find(picked.begin(), picked.end(), address) == picked.end()) {
        picked.push_back(address);
      }
    }
  }
  return picked;
}

}  // namespace kiln::coordinator
