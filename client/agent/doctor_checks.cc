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

// Busy executors are not counted as ready ones by their node.
bool has_executors(const wire::NodeStatus& node) {
  return node.occupancy.ready + node.occupancy.running > 0;
}

std::uint32_t room_on(const wire::NodeStatus& node) {
  const auto running = std::min(node.occupancy.running, node.node.slots);
  return has_executors(node) ? node.node.slots - running : 0;
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
  std::string refused;
  for (const auto& state : coordinators) {
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
  if (others.empty()) detail += ", as all that answers";
  return make("versions", refused.empty(), refused.empty() ? detail : refused,
              "install one version of Kiln on all machines, then `kiln agent stop`");
}

}  // namespace

Check check_settings(const SettingFacts& facts) {
  if (!facts.problem.empty())
    return make("settings", false, facts.problem, "correct it; `kiln config` shows all of them");
  if (facts.disabled)
    return make("settings", false, "KILN_DISABLE is set: every call runs the compiler here",
                "unset KILN_DISABLE");
  if (facts.local)
    return make("settings", false, "the mode is local: every call runs here",
                "unset KILN_MODE, or `mode` in the file that `kiln config` names");
  return make("settings", true, "calls may run remotely", "");
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
  std::size_t ready = 0;
  std::uint32_t slots = 0;
  std::uint32_t room = 0;
  std::size_t working = 0;
  std::string broken;
  for (const auto& node : farm ? farm->nodes : std::vector<wire::NodeStatus>{}) {
    if (!is_ready(node)) continue;
    ++ready;
    slots += node.node.slots;
    room += room_on(node);
    working += has_executors(node) ? 1 : 0;
    if (!has_executors(node)) broken += (broken.empty() ? "" : ", ") + node.node.name;
  }
  std::vector<Check> checks;
  const std::string count = std::to_string(ready) + " ready, " + std::to_string(slots) + " slots";
  checks.push_back(make("nodes", ready > 0, farm ? count : farm.error().message,
                        "start kiln-worker on some machine, with --coordinator HOST; `kiln nodes` "
                        "lists those that the coordinator knows"));
  if (ready == 0) return checks;
  const std::string trouble = broken.empty() ? "" : "; no executor on " + broken;
  checks.push_back(make(
      "namespaces", working > 0,
      std::to_string(working) + " of " + std::to_string(ready) + " nodes have executors" + trouble,
      std::string(kNamespacesMend)));
  if (working == 0) return checks;
  checks.push_back(make("node with room", room > 0,
                        std::to_string(room) + " of " + std::to_string(slots) + " slots are free",
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
