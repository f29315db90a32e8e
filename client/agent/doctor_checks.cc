#include "client/agent/doctor_checks.h"

#include <algorithm>
#include <set>
#include <utility>

namespace kiln::client {
namespace {

constexpr std::string_view kNamespacesMend =
    "see the log of kiln-worker there. It needs namespaces: run it as root, or allow them to users "
    "(sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0), "
    "or add SYS_ADMIN to its container (--cap-add SYS_ADMIN)";

Check make(std::string name, bool ok, std::string detail, std::string mend) {
  return {std::move(name), ok, std::move(detail), ok ? "" : std::move(mend)};
}

bool is_ready(const wire::NodeStatus& node) {
  return node.state == "ready";
}

bool is_lost(const wire::NodeStatus& node) {
  return node.state == "lost";
}

// Busy executors are not counted as ready ones by their node.
bool has_executors(const wire::NodeStatus& node) {
  return node.occupancy.ready + node.occupancy.running > 0;
}

std::uint32_t room_on(const wire::NodeStatus& node) {
  const auto running = std::min(node.occupancy.running, node.node.slots);
  return has_executors(node) ? node.node.slots - running : 0;
}

struct NodeCounts {
  std::size_t ready = 0;
  std::size_t present = 0;  // ready, or draining: a worker that is broken says that it drains
  std::size_t working = 0;  // of those present
  std::uint32_t slots = 0;
  std::uint32_t room = 0;
  std::string broken;   // names
  std::string resting;  // names
};

void add_name(std::string& names, const std::string& name) {
  names += (names.empty() ? "" : ", ") + name;
}

NodeCounts count_nodes(const std::vector<wire::NodeStatus>& nodes) {
  NodeCounts counts;
  for (const auto& node : nodes) {
    if (is_lost(node)) continue;
    ++counts.present;
    if (has_executors(node)) {
      ++counts.working;
    } else {
      add_name(counts.broken, node.node.name);
    }
    if (!is_ready(node)) {
      add_name(counts.resting, node.node.name);
      continue;
    }
    ++counts.ready;
    counts.slots += node.node.slots;
    counts.room += room_on(node);
  }
  return counts;
}

Check check_ready(const NodeCounts& counts) {
  std::string detail =
      std::to_string(counts.ready) + " ready, " + std::to_string(counts.slots) + " slots";
  if (!counts.resting.empty()) detail += "; taking no tasks now: " + counts.resting;
  const std::string mend =
      counts.resting.empty()
          ? "start kiln-worker on some machine, with --coordinator HOST; one that cannot serve "
            "says why in its log, and `kiln nodes` lists those that came"
          : "see the log of kiln-worker on " + counts.resting + ": it says what is lacking";
  return make("nodes", counts.ready > 0, detail, mend);
}

Check check_coordinator(const CoordinatorState& state, std::string_view own) {
  const bool connected = state.state == "connected";
  std::string mend =
      state.other_version
          ? "it is of another version than this one (" + std::string(own) +
                "): update the older of the two, then `kiln agent stop`"
          : "is kiln-coordinator running there, and KILN_COORDINATOR right? After a change of it: "
            "`kiln agent stop`";
  const std::string why = state.reason.empty() ? "no answer yet" : state.reason;
  return make("coordinator " + state.endpoint, connected,
              connected ? "version " + state.version : why, std::move(mend));
}

Check check_versions(const std::vector<CoordinatorState>& coordinators,
                     const Result<wire::FarmStatus>& farm, std::string_view own) {
  std::set<std::string> others;
  bool any = false;
  std::string refused;
  for (const auto& state : coordinators) {
    any = any || !state.version.empty();
    if (state.other_version) refused = state.endpoint + ": " + state.reason;
    if (!state.version.empty() && state.version != own) others.insert(state.version);
  }
  if (farm) {
    for (const auto& node : farm->nodes) {
      if (!node.node.version.empty() && node.node.version != own) others.insert(node.node.version);
    }
  }
  std::string detail = "this is " + std::string(own);
  for (const auto& version : others) detail += ", some of the farm is " + version;
  if (others.empty()) detail += any ? ", as all that answers" : "; nothing else answers";
  return make("versions", refused.empty(), refused.empty() ? detail : refused,
              "install one version of Kiln on all machines, then `kiln agent stop`");
}

}  // namespace

Check check_settings(const SettingFacts& facts) {
  std::string mend = "unset KILN_MODE, or `mode` in the file that `kiln config` names";
  if (facts.disabled) mend = "unset KILN_DISABLE";
  if (!facts.problem.empty()) mend = "correct or unset it; kiln --help lists them";
  if (std::string why = why_none_travels(facts); !why.empty())
    return make("settings", false, std::move(why), std::move(mend));
  return make("settings", !facts.other_coordinator,
              facts.other_coordinator ? "the agent was started with another KILN_COORDINATOR"
                                      : "calls may run remotely",
              "`kiln agent stop`; the next call starts it with what is set now");
}

std::vector<Check> check_coordinators(const std::vector<CoordinatorState>& coordinators,
                                      const Result<wire::FarmStatus>& farm, std::string_view own) {
  std::vector<Check> checks;
  checks.reserve(coordinators.size() + 1);
  for (const auto& state : coordinators) checks.push_back(check_coordinator(state, own));
  if (coordinators.empty())
    checks.push_back(make("coordinator", false, "none is configured",
                          "set KILN_COORDINATOR to HOST of kiln-coordinator, then "
                          "`kiln agent stop`"));
  checks.push_back(check_versions(coordinators, farm, own));
  return checks;
}

std::vector<Check> check_nodes(const Result<wire::FarmStatus>& farm) {
  const NodeCounts counts = farm ? count_nodes(farm->nodes) : NodeCounts{};
  std::vector<Check> checks;
  checks.push_back(farm ? check_ready(counts)
                        : make("nodes", false, farm.error().message,
                               "mend the coordinator first: only it knows them"));
  if (counts.present == 0) return checks;
  const std::string trouble = counts.broken.empty() ? "" : "; no executor on " + counts.broken;
  checks.push_back(make("namespaces", counts.working > 0,
                        std::to_string(counts.working) + " of " + std::to_string(counts.present) +
                            " nodes have executors" + trouble,
                        std::string(kNamespacesMend)));
  if (counts.working == 0 || counts.ready == 0) return checks;
  checks.push_back(
      make("node with room", counts.room > 0,
           std::to_string(counts.room) + " of " + std::to_string(counts.slots) + " slots are free",
           "every slot is busy now: wait, use a smaller -j, or start more workers; "
           "`kiln tasks` shows what runs"));
  return checks;
}

bool can_run_tasks(const Result<wire::FarmStatus>& farm) {
  return farm && std::any_of(farm->nodes.begin(), farm->nodes.end(), [](const auto& node) {
           return is_ready(node) && has_executors(node);
         });
}

Check check_toolchain(const std::string& trouble, const std::string& version,
                      const std::string& root) {
  return make("toolchain", trouble.empty(), trouble.empty() ? version + ", " + root : trouble,
              "install a compiler, or name one: kiln doctor COMPILER");
}

Check check_probe(const Status& status) {
  return make(
      "probe compile", status.has_value(),
      status ? "a worker's object and messages equal the local ones" : status.error().message,
      "see the agent's log (`kiln config` names it) and the worker's");
}

}  // namespace kiln::client
