#include "client/library/warmth.h"

#include <cstddef>

#include "client/library/errors.h"

namespace kiln::v1 {
namespace {

bool is_broken(const NodeWarmth& node) {
  return node.answered && node.state == "broken";
}

Failure failure_of(const NodeWarmth& node) {
  if (node.reason.find("time limit") != std::string::npos) return Failure::initializer_timed_out;
  return node.exit_code != 0 ? Failure::initializer_failed : Failure::pool_broken;
}

Error broken_error(const PoolStatus& status, const NodeWarmth& node) {
  std::string text = "the pool '" + status.name + "' is broken on " + node.node;
  if (!node.reason.empty()) text += ": " + node.reason;
  if (node.exit_code != 0) text += " (exit code " + std::to_string(node.exit_code) + ")";
  if (!node.output.empty()) text += "; its initializer's last words: " + node.output;
  Error error = error_of(failure_of(node), std::move(text));
  error.node = node.node;
  error.stdout_text = node.output;
  return error;
}

// What is still missing on a node; "" when nothing is.
std::string missing_on(const NodeWarmth& node) {
  const std::uint32_t have = node.ready + node.busy;
  if (node.wanted == 0) return "";
  if (!node.answered) return node.node + " (has not answered yet)";
  if (have >= node.wanted) return "";
  std::string text = node.node + " (" + std::to_string(have) + " of " +
                     std::to_string(node.wanted) + " executors ready, ";
  text += node.starting > 0 ? std::to_string(node.starting) + " starting" : "staging";
  if (!node.reason.empty()) text += "; the last try failed: " + node.reason;
  return text + ")";
}

}  // namespace

Warmth judge(const PoolStatus& status, Warm asked) {
  Warmth warmth;
  warmth.kind = Warmth::Kind::reached;
  if (!asked.is_all() && asked.count() == 0) return warmth;
  const NodeWarmth* broken = nullptr;
  std::size_t living = 0;
  std::size_t well = 0;
  std::uint32_t wanted = 0;
  std::uint32_t have = 0;
  for (const auto& node : status.nodes) {
    if (node.node_state == "lost") continue;
    ++living;
    wanted += node.wanted;
    have += node.ready + node.busy;
    if (is_broken(node)) {
      if (broken == nullptr) broken = &node;
      continue;
    }
    if (node.wanted > 0) ++well;
    const std::string missing = missing_on(node);
    if (!missing.empty()) warmth.waits_for += (warmth.waits_for.empty() ? "" : ", ") + missing;
  }
  if (broken != nullptr && well == 0) {
    warmth.kind = Warmth::Kind::failed;
    warmth.error = broken_error(status, *broken);
    return warmth;
  }
  if (living == 0) {
    warmth.waits_for = "a node that the pool selects";
    warmth.error = error_of(Failure::no_node,
                            "no node that lives is selected by the pool '" + status.name + "'");
  } else if (wanted == 0) {
    warmth.waits_for = "the coordinator to choose nodes";
  } else if (warmth.waits_for.empty() && broken == nullptr && !asked.is_all() &&
             have < asked.count()) {
    warmth.waits_for = "nodes for the others: " + std::to_string(have) + " of " +
                       std::to_string(asked.count()) + " executors ready";
  }
  if (!warmth.waits_for.empty()) warmth.kind = Warmth::Kind::waiting;
  return warmth;
}

}  // namespace kiln::v1
