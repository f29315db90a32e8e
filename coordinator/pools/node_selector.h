// Which nodes a pool is for: terms that must all hold of a node's labels.
//
//   zone=a    the label zone has the value a      !zone=a   it has not
//   gpu       there is a label gpu                !gpu      there is none
//
// The node's own name counts as the label `name`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/model/node.h"

namespace kiln::coordinator {

struct SelectorTerm {
  std::string key;
  std::string value;
  bool any_value = false;  // the label alone counts
  bool negated = false;
  friend bool operator==(const SelectorTerm&, const SelectorTerm&) = default;
};

class NodeSelector {
 public:
  // Errc::invalid_argument names the term that cannot be read.
  static Result<NodeSelector> parse(const std::vector<std::string>& terms);
  bool matches(const NodeInfo& node) const;

 private:
  std::vector<SelectorTerm> terms_;
};

Result<SelectorTerm> parse_selector_term(std::string_view text);

}  // namespace kiln::coordinator
