#include "client/cli/pool_node.h"

#include <nlohmann/json.hpp>

namespace kiln::client {

const Json& first_pool(const Json& answer) {
  static const Json none;
  const Json& pools = member(answer, "pools");
  return pools.is_array() && !pools.empty() ? pools.front() : none;
}

bool lives(const Json& node) {
  return text_of(node, "state") == "ready";
}

bool has_state(const Json& node, std::string_view state) {
  return text_of(member(node, "pool"), "state") == state;
}

bool is_broken(const Json& node) {
  return has_state(node, "broken");
}

std::uint64_t warm_executors(const Json& node) {
  const Json& pool = member(node, "pool");
  return number_of(pool, "ready") + number_of(pool, "busy");
}

std::string lack_of(const Json& node) {
  if (!is_true(node, "answered")) return "has not answered yet";
  if (const auto lacks = number_of(node, "lacks"); lacks > 0)
    return "staging " + count(lacks, "toolchain");
  const auto wanted = number_of(node, "wanted");
  if (warm_executors(node) >= wanted) return "";
  std::string text =
      std::to_string(warm_executors(node)) + " of " + count(wanted, "executor") + " ready";
  if (const auto reason = text_of(member(node, "pool"), "reason"); reason != "-")
    text += " (" + reason + ")";
  return text;
}

std::string step_text(const Json& there, const char* name) {
  const Json& time = member(there, name);
  if (!time.is_number() || time.get<double>() <= 0) return "-";
  return time.get<double>() < 1 ? "<1 ms" : milliseconds_of(there, name);
}

}  // namespace kiln::client
