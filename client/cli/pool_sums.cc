#include "client/cli/pool_sums.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "client/cli/pool_node.h"

namespace kiln::client {
namespace {

// Before it says so itself a node is on its way to what it was told to have ready.
bool is_warming(const Json& node) {
  return has_state(node, "warming") || (has_state(node, "cold") && number_of(node, "wanted") > 0);
}

}  // namespace

std::uint64_t pool_sum(const Json& pool, const char* name) {
  std::uint64_t total = 0;
  for (const Json& node : member(pool, "nodes")) {
    if (lives(node)) total += number_of(member(node, "pool"), name);
  }
  return total;
}

std::size_t count_nodes(const Json& pool, const std::function<bool(const Json&)>& holds) {
  const Json& nodes = member(pool, "nodes");
  return static_cast<std::size_t>(std::count_if(
      nodes.begin(), nodes.end(), [&](const Json& node) { return lives(node) && holds(node); }));
}

std::string pool_state(const Json& pool) {
  const auto any = [&](auto&& holds) { return count_nodes(pool, holds) > 0; };
  const auto in = [](std::string_view state) {
    return [state](const Json& node) { return has_state(node, state); };
  };
  if (!any([](const Json&) { return true; })) return "no node";
  if (any(in("ready"))) return "ready";
  if (any(is_warming)) return "warming";
  if (any(is_broken)) return "broken";
  return any(in("quiesced")) ? "quiesced" : "cold";
}

}  // namespace kiln::client
