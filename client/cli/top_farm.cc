#include "client/cli/top_farm.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "client/cli/answer_text.h"
#include "client/cli/pool_sums.h"

namespace kiln::client {
namespace {

// Null where it is none.
Json parse(const Result<std::string>& text) {
  return text ? Json::parse(*text, nullptr, /*allow_exceptions=*/false) : Json();
}

// Without the key behind it, which is as long as a screen is wide.
std::string address_text(const Json& object, const char* name) {
  const std::string address = without_scheme(text_of(object, name));
  return address.substr(0, address.find('#'));
}

std::string coordinator_text(const Json& status) {
  const Json& all = member(status, "coordinators");
  const Json* chosen = nullptr;
  for (const Json& one : all) {
    const bool is_connected = text_of(one, "state") == "connected";
    if (chosen == nullptr || is_connected) chosen = &one;
    if (is_connected) break;
  }
  if (chosen == nullptr) return "no coordinator";
  const std::string state = text_of(*chosen, "state");
  const std::string address = address_text(*chosen, "endpoint");
  return state == "connected" ? address : address + " (" + state + ")";
}

TopNode node_of(const Json& node) {
  TopNode result;
  result.name = text_of(node, "name");
  result.state = text_of(node, "state");
  result.address = address_text(node, "address");
  // What a node that is gone said last is not so any more.
  if (result.state != "lost") {
    result.use = {number_of(node, "slots"), number_of(node, "running"), number_of(node, "ready"),
                  number_of(node, "queued")};
  }
  result.load = real_of(node, "load");
  result.speed = real_of(node, "core_speed");
  result.memory_bytes = number_of(node, "memory_available_bytes");
  result.completed = number_of(node, "completed");
  result.failed = number_of(node, "failed");
  return result;
}

TopPool pool_of(const Json& pool) {
  TopPool result;
  result.name = text_of(pool, "name");
  result.state = pool_state(pool);
  result.context = text_of(pool, "context");
  result.nodes = member(pool, "nodes").size();
  result.ready = pool_sum(pool, "ready");
  result.busy = pool_sum(pool, "busy");
  result.broken = pool_sum(pool, "broken");
  result.tasks = pool_sum(pool, "tasks");
  result.warm_hits = pool_sum(pool, "warm_hits");
  result.warm_misses = pool_sum(pool, "warm_misses");
  result.waiting = number_of(pool, "waiting_requests");
  return result;
}

// Of an agent that says nothing of it: an empty one.
std::string name_of(const Json& task, const char* key) {
  const Json& name = member(task, key);
  return name.is_string() ? name.get<std::string>() : std::string();
}

TopTask task_of(const Json& task) {
  return {text_of(task, "node"),  text_of(task, "phase"),   text_of(task, "pool"),
          text_of(task, "label"), text_of(task, "attempt"), number_of(task, "age_ms"),
          name_of(task, "build"), name_of(task, "client")};
}

std::string trouble_of(const TopAnswers& answers, const Json& status) {
  if (!answers.status) return answers.status.error().message;
  if (!status.is_object()) return "the agent's answer is no JSON object; is it of another version?";
  if (auto reason = text_of(status, "reason"); reason != "-") return reason;
  for (const auto* answer : {&answers.nodes, &answers.pools, &answers.tasks}) {
    if (!*answer) return answer->error().message;
  }
  return "";
}

}  // namespace

TopFarm top_farm(const TopAnswers& answers) {
  const Json status = parse(answers.status);
  TopFarm farm;
  if (status.is_object()) farm.coordinator = coordinator_text(status);
  farm.trouble = trouble_of(answers, status);
  farm.is_there = is_true(status, "remote_possible");
  farm.ready_nodes = number_of(member(status, "farm"), "ready_nodes");
  farm.waiting = number_of(member(status, "farm"), "queued");
  const Json nodes = parse(answers.nodes);
  for (const Json& node : member(nodes, "nodes")) farm.nodes.push_back(node_of(node));
  const Json pools = parse(answers.pools);
  for (const Json& pool : member(pools, "pools")) farm.pools.push_back(pool_of(pool));
  const Json tasks = parse(answers.tasks);
  for (const Json& task : member(tasks, "tasks")) farm.tasks.push_back(task_of(task));
  farm.builds = builds_of(farm.tasks);
  return farm;
}

std::vector<TopBuild> builds_of(const std::vector<TopTask>& tasks) {
  struct Sum {
    TopBuild build;
    std::set<std::string_view> nodes;
  };
  std::map<std::string_view, Sum> sums;
  for (const TopTask& task : tasks) {
    if (task.build.empty()) continue;
    Sum& sum = sums[task.build];
    TopBuild& build = sum.build;
    if (build.client.empty()) build.client = task.client;
    if (task.phase == "running") ++build.running;
    if (task.phase == "queued" || task.phase == "staging") ++build.waiting;
    build.oldest_ms = std::max(build.oldest_ms, task.age_ms);
    sum.nodes.insert(task.node);
  }
  std::vector<TopBuild> builds;
  for (auto& [name, sum] : sums) {
    sum.build.name = name;
    sum.build.nodes = sum.nodes.size();
    builds.push_back(std::move(sum.build));
  }
  return builds;
}

void set_rates(TopFarm& now, const TopFarm& before, Duration elapsed) {
  const double passed = in_seconds(elapsed);
  if (passed <= 0) return;
  std::map<std::string_view, std::uint64_t> completed;
  for (const TopNode& node : before.nodes) completed[node.name] = node.completed;
  for (TopNode& node : now.nodes) {
    const auto same = completed.find(node.name);
    if (same == completed.end() || same->second > node.completed) continue;
    node.rate = static_cast<double>(node.completed - same->second) / passed;
  }
}

SlotUse use_of(const TopFarm& farm) {
  SlotUse sum;
  for (const TopNode& node : farm.nodes) {
    sum.busy += node.use.busy;
    // A node that is drained has slots for nobody but what runs there.
    const bool takes_tasks = node.state == "ready";
    sum.slots += takes_tasks ? node.use.slots : node.use.busy;
    sum.ready += takes_tasks ? ready_slots(node.use) : 0;
  }
  sum.queued = farm.waiting;
  return sum;
}

std::optional<double> rate_of(const TopFarm& farm) {
  std::optional<double> sum;
  for (const TopNode& node : farm.nodes) {
    if (node.rate) sum = sum.value_or(0) + *node.rate;
  }
  return sum;
}

}  // namespace kiln::client
