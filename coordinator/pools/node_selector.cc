#include "coordinator/pools/node_selector.h"

#include <algorithm>
#include <cctype>

namespace kiln::coordinator {
namespace {

bool of_a_key(char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  return std::isalnum(byte) != 0 || letter == '.' || letter == '_' || letter == '-' ||
         letter == '/';
}

bool holds(const SelectorTerm& term, const NodeInfo& node) {
  const auto fits = [&](std::string_view key, std::string_view value) {
    return key == term.key && (term.any_value || value == term.value);
  };
  const bool found = fits("name", node.name) ||
                     std::any_of(node.labels.begin(), node.labels.end(), [&](const auto& label) {
                       return fits(label.first, label.second);
                     });
  return found != term.negated;
}

}  // namespace

Result<SelectorTerm> parse_selector_term(std::string_view text) {
  const auto wrong = [&](const std::string& why) {
    return fail(Errc::invalid_argument, "\"" + std::string(text) + "\" selects no nodes: " + why +
                                            "; write zone=a, !zone=a, gpu or !gpu");
  };
  SelectorTerm term;
  auto rest = text;
  if (!rest.empty() && rest.front() == '!') {
    term.negated = true;
    rest.remove_prefix(1);
  }
  const auto equals = rest.find('=');
  term.any_value = equals == std::string_view::npos;
  term.key = rest.substr(0, equals);
  if (term.key.empty()) return wrong("the label's name is missing");
  if (!std::all_of(term.key.begin(), term.key.end(), of_a_key)) {
    return wrong("\"" + term.key + "\" is not a label's name");
  }
  if (term.any_value) return term;
  term.value = rest.substr(equals + 1);
  if (term.value.empty()) return wrong("the value is missing");
  if (term.value.front() == '=') return wrong("one \"=\" is meant");
  return term;
}

Result<NodeSelector> NodeSelector::parse(const std::vector<std::string>& terms) {
  NodeSelector selector;
  for (const auto& text : terms) {
    KILN_TRY_ASSIGN(auto term, parse_selector_term(text));
    selector.terms_.push_back(std::move(term));
  }
  return selector;
}

bool NodeSelector::matches(const NodeInfo& node) const {
  return std::all_of(terms_.begin(), terms_.end(),
                     [&](const SelectorTerm& term) { return holds(term, node); });
}

}  // namespace kiln::coordinator
