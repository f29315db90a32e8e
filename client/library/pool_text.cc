#include "client/library/pool_text.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include "client/library/errors.h"

namespace kiln::v1 {
namespace {

using nlohmann::json;

const char* word_of(Context context) {
  switch (context) {
    case Context::spawn:
      return "spawn";
    case Context::fork:
      return "fork";
    case Context::forkserver:
      return "forkserver";
  }
  return "spawn";
}

// What is missing or of another type has its default: the agent may be older or newer.
template <typename T>
T member(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || found == object.end()) return T{};
  if constexpr (std::is_same_v<T, std::string>) {
    return found->is_string() ? found->template get<std::string>() : T{};
  } else if constexpr (std::is_same_v<T, bool>) {
    return found->is_boolean() && found->template get<bool>();
  } else if constexpr (std::is_same_v<T, json>) {
    return *found;
  } else {
    return found->is_number() ? found->template get<T>() : T{};
  }
}

std::chrono::microseconds time_of(const json& object, const char* key) {
  const double thousands = member<double>(object, key);
  const double limited = std::clamp(thousands * 1000, 0.0, 1e15);
  return std::chrono::microseconds(std::llround(limited));
}

NodeWarmth node_of(const json& entry) {
  const json pool = member<json>(entry, "pool");
  NodeWarmth node;
  node.node = member<std::string>(entry, "node");
  node.node_state = member<std::string>(entry, "state");
  node.wanted = member<std::uint32_t>(entry, "wanted");
  node.answered = member<bool>(entry, "answered");
  node.state = member<std::string>(pool, "state");
  node.starting = member<std::uint32_t>(pool, "starting");
  node.ready = member<std::uint32_t>(pool, "ready");
  node.busy = member<std::uint32_t>(pool, "busy");
  node.broken = member<std::uint32_t>(pool, "broken");
  node.reason = member<std::string>(pool, "reason");
  node.output = member<std::string>(pool, "output");
  node.exit_code = member<int>(pool, "exit_code");
  node.stage = time_of(pool, "stage_ms");
  node.start = time_of(pool, "start_ms");
  node.initialise = time_of(pool, "initialise_ms");
  return node;
}

}  // namespace

std::string definition_text(const PoolSpec& spec, Warm warm) {
  json environment = json::object();
  for (const auto& [name, value] : spec.environment) environment[name] = value;
  json windows = json::array();
  for (const auto& window : spec.windows) {
    windows.push_back({{"days", window.days},
                       {"from_minute", window.from.count()},
                       {"to_minute", window.to.count()},
                       {"ready", window.ready}});
  }
  const json text = {{"name", spec.name},
                     {"context", word_of(spec.context)},
                     {"init", spec.init},
                     {"init_limit_ms", spec.init_limit.count()},
                     {"keep_resident", spec.keep_resident},
                     {"toolchains", spec.toolchains},
                     {"executors", spec.executors},
                     {"nodes", spec.nodes},
                     {"min_warm", spec.min_warm},
                     {"windows", windows},
                     {"idle_ms", spec.idle.count()},
                     {"limits",
                      {{"wall_ms", spec.limits.time.count()},
                       {"memory_bytes", spec.limits.memory_bytes},
                       {"output_bytes", spec.limits.output_bytes}}},
                     {"environment", environment},
                     {"probe", spec.probe},
                     {"warm", warm.count()},
                     {"all", warm.is_all()}};
  return text.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<PoolStatus> read_pool(std::string_view answer, const std::string& name) {
  const json parsed = json::parse(answer, nullptr, false);
  const json pools = member<json>(parsed, "pools");
  if (!pools.is_array())
    return error_of(Failure::unsupported, "the agent's answer about pools cannot be read");
  for (const auto& entry : pools) {
    if (member<std::string>(entry, "name") != name) continue;
    PoolStatus status;
    status.name = name;
    status.version = member<std::uint64_t>(entry, "version");
    status.existed = member<bool>(parsed, "existed");
    const json nodes = member<json>(entry, "nodes");
    for (const auto& node : nodes) status.nodes.push_back(node_of(node));
    return status;
  }
  return error_of(Failure::no_pool, "there is no pool named '" + name + "'");
}

}  // namespace kiln::v1
