// A set of node numbers with insertion, removal and random choice in constant time. Its order
// depends on the history of calls only, never on hashes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "coordinator/scheduling/random.h"

namespace kiln::coordinator {

using NodeNumber = std::uint32_t;

class NodeSet {
 public:
  void insert(NodeNumber node) {
    if (places_.emplace(node, nodes_.size()).second) nodes_.push_back(node);
  }
  void erase(NodeNumber node) {
    const auto found = places_.find(node);
    if (found == places_.end()) return;
    const auto place = found->second;
    places_.erase(found);
    if (nodes_.back() != node) {
      nodes_[place] = nodes_.back();
      places_[nodes_[place]] = place;
    }
    nodes_.pop_back();
  }
  bool contains(NodeNumber node) const { return places_.count(node) != 0; }
  std::size_t size() const { return nodes_.size(); }
  bool empty() const { return nodes_.empty(); }
  const std::vector<NodeNumber>& nodes() const { return nodes_; }

  // Adds up to `limit` members to `out`: all of a small set, else a random sample, perhaps with
  // repetitions.
  void sample(std::size_t limit, Random& random, std::vector<NodeNumber>& out) const {
    if (nodes_.size() <= limit) {
      out.insert(out.end(), nodes_.begin(), nodes_.end());
      return;
    }
    for (std::size_t i = 0; i < limit; ++i) out.push_back(nodes_[random.below(nodes_.size())]);
  }

 private:
  std::vector<NodeNumber> nodes_;
  std::unordered_map<NodeNumber, std::size_t> places_;
};

}  // namespace kiln::coordinator
