#include "client/agent/pool_json.h"

#include <functional>
#include <map>

#include <nlohmann/json.hpp>

#include "common/model/pool_options.h"

namespace kiln::client {
namespace {

using nlohmann::json;

// Reads one member into its place; false: it is of another type.
using Reader = std::function<bool(const json&)>;

Reader text(std::string& out) {
  return [&out](const json& value) {
    if (!value.is_string()) return false;
    out = value.get<std::string>();
    return true;
  };
}

template <typename Number>
Reader number(Number& out) {
  return [&out](const json& value) {
    if (!value.is_number_unsigned()) return false;
    const auto given = value.get<std::uint64_t>();
    out = static_cast<Number>(given);
    return out == given;
  };
}

Reader boolean(bool& out) {
  return [&out](const json& value) {
    if (!value.is_boolean()) return false;
    out = value.get<bool>();
    return true;
  };
}

template <typename Item>
Reader list(std::vector<Item>& out, std::function<Reader(Item&)> reader) {
  return [&out, reader](const json& value) {
    if (!value.is_array()) return false;
    for (const auto& one : value) {
      Item item;
      if (!reader(item)(one)) return false;
      out.push_back(std::move(item));
    }
    return true;
  };
}

Reader texts(std::vector<std::string>& out) {
  return list<std::string>(out, [](std::string& item) { return text(item); });
}

Reader object(std::map<std::string, Reader> members) {
  return [members = std::move(members)](const json& value) {
    if (!value.is_object()) return false;
    for (const auto& [key, one] : value.items()) {
      const auto found = members.find(key);
      if (found == members.end() || !found->second(one)) return false;
    }
    return true;
  };
}

Reader context(PoolContext& out) {
  return [&out](const json& value) {
    for (const auto one : {PoolContext::spawn, PoolContext::fork, PoolContext::forkserver}) {
      if (value != std::string(name(one))) continue;
      out = one;
      return true;
    }
    return false;
  };
}

Reader window(WarmWindow& out) {
  return object({{"days", number(out.days)},
                 {"from_minute", number(out.from_minute)},
                 {"to_minute", number(out.to_minute)},
                 {"ready", number(out.ready)}});
}

Reader variables(std::vector<std::pair<std::string, std::string>>& out) {
  return [&out](const json& value) {
    if (!value.is_object()) return false;
    for (const auto& [key, one] : value.items()) {
      if (!one.is_string()) return false;
      out.emplace_back(key, one.get<std::string>());
    }
    return true;
  };
}

std::map<std::string, Reader> readers(PoolWishes& wishes) {
  PoolSpec& spec = wishes.spec;
  return {
      {"name", text(spec.name)},
      {"context", context(spec.context)},
      {"init", list<std::vector<std::string>>(
                   spec.init, [](std::vector<std::string>& step) { return texts(step); })},
      {"init_limit_ms", number(spec.init_limit_ms)},
      {"keep_resident", texts(spec.keep_resident)},
      {"toolchains", texts(wishes.commands)},
      {"executors", number(spec.executors)},
      {"nodes", texts(spec.nodes)},
      {"min_warm", number(spec.min_warm)},
      {"windows", list<WarmWindow>(spec.windows, [](WarmWindow& item) { return window(item); })},
      {"idle_ms", number(spec.idle_ms)},
      {"limits", object({{"wall_ms", number(spec.limits.wall_ms)},
                         {"memory_bytes", number(spec.limits.memory_bytes)},
                         {"output_bytes", number(spec.limits.output_bytes)}})},
      {"environment", variables(spec.environment)},
      {"probe", texts(spec.probe)},
      {"warm", number(wishes.warm)},
      {"all", boolean(wishes.all)},
  };
}

double milliseconds_of(std::uint64_t microseconds) {
  return static_cast<double>(microseconds) / 1000;
}

json json_of(const PoolOnNode& pool) {
  return {{"state", std::string(name(pool.state))},
          {"context", std::string(name(pool.context))},
          {"fallback", pool.fallback},
          {"version", pool.version},
          {"executors", pool.executors},
          {"starting", pool.starting},
          {"ready", pool.ready},
          {"busy", pool.busy},
          {"broken", pool.broken},
          {"queued", pool.queued},
          {"staged", pool.staged},
          {"reason", pool.reason},
          {"output", pool.output},
          {"exit_code", pool.exit_code},
          {"stage_ms", milliseconds_of(pool.stage_us)},
          {"start_ms", milliseconds_of(pool.start_us)},
          {"initialise_ms", milliseconds_of(pool.initialise_us)},
          {"tasks", pool.tasks},
          {"warm_hits", pool.warm_hits},
          {"warm_misses", pool.warm_misses},
          {"quiesces", pool.quiesces},
          {"wakes", pool.wakes},
          {"crashes", pool.crashes},
          {"first_ms", milliseconds_of(pool.first_us)},
          {"steady_ms", milliseconds_of(pool.steady_us)}};
}

json json_of(const PoolSpec& spec) {
  json toolchains = json::array();
  for (const auto& one : spec.toolchains) {
    toolchains.push_back({{"name", one.name},
                          {"program", one.program},
                          {"architecture", one.architecture},
                          {"digest", one.digest.hex()}});
  }
  json windows = json::array();
  for (const auto& one : spec.windows) {
    windows.push_back({{"days", one.days},
                       {"from_minute", one.from_minute},
                       {"to_minute", one.to_minute},
                       {"ready", one.ready}});
  }
  json environment = json::object();
  for (const auto& [key, value] : spec.environment) environment[key] = value;
  return {{"name", spec.name},
          {"options", options_of(spec)},
          {"context", std::string(name(spec.context))},
          {"init", spec.init},
          {"init_limit_ms", spec.init_limit_ms},
          {"keep_resident", spec.keep_resident},
          {"toolchains", toolchains},
          {"executors", spec.executors},
          {"selector", spec.nodes},
          {"min_warm", spec.min_warm},
          {"windows", windows},
          {"idle_ms", spec.idle_ms},
          {"limits",
           {{"wall_ms", spec.limits.wall_ms},
            {"memory_bytes", spec.limits.memory_bytes},
            {"output_bytes", spec.limits.output_bytes}}},
          {"environment", environment},
          {"probe", spec.probe}};
}

}  // namespace

Result<PoolWishes> pool_wishes_of(const std::string& text) {
  const json given = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!given.is_object()) return fail(Errc::invalid_argument, "a pool is a JSON object");
  PoolWishes wishes;
  const auto members = readers(wishes);
  for (const auto& [key, value] : given.items()) {
    const auto found = members.find(key);
    if (found == members.end())
      return fail(Errc::invalid_argument, "a pool has no \"" + key + "\"");
    if (!found->second(value)) {
      return fail(Errc::invalid_argument,
                  "the pool's \"" + key + "\" cannot be " +
                      value.dump(-1, ' ', false, json::error_handler_t::replace));
    }
  }
  return wishes;
}

json json_of(const wire::PoolStatus& status) {
  json pool = json_of(status.definition.spec);
  pool["version"] = status.definition.version;
  pool["waiting_requests"] = status.waiting_requests;
  pool["nodes"] = json::array();
  for (const auto& node : status.nodes) {
    pool["nodes"].push_back({{"node", node.node},
                             {"state", node.state},
                             {"wanted", node.wanted},
                             {"answered", node.answered},
                             {"pool", json_of(node.pool)}});
  }
  return pool;
}

}  // namespace kiln::client
