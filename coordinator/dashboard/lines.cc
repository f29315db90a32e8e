#include "coordinator/dashboard/lines.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include <nlohmann/json.hpp>

namespace kiln::coordinator {
namespace {

using Json = nlohmann::json;

// What sways all the time is told coarsely, so that a node at rest is not told again and again.
constexpr std::uint64_t kMemoryStep = std::uint64_t{64} << 20U;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string_view state_name(NodeState state) {
  return state == NodeState::ready ? "ready" : state == NodeState::draining ? "draining" : "lost";
}

std::string_view heat_of(const NodeView& node) {
  const auto& occupancy = *node.occupancy;
  if (occupancy.running >= node.info->slots) return "busy";
  if (occupancy.ready > 0) return "ready";
  return occupancy.toolchains.empty() ? "cold" : "staged";
}

Json milliseconds_of(const std::optional<Duration>& duration) {
  if (!duration) return nullptr;
  return std::round(in_seconds(*duration) * 1e4) / 10;
}

Json wall_or_null(const std::optional<TimePoint>& time, const WallClock& wall) {
  return time ? Json(wall(*time)) : Json(nullptr);
}

std::string hex(std::uint64_t number) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  do {
    text.insert(text.begin(), kDigits[number % 16]);
    number /= 16;
  } while (number != 0);
  return text;
}

std::string text_of(const AttemptId& attempt) {
  return hex(attempt.client_epoch) + "-" + std::to_string(attempt.number);
}

// The state that counts for people: a lost node's pool is as lost as the node.
std::string state_of(const PoolNodeView& node) {
  if (node.state != NodeState::ready) return std::string(state_name(node.state));
  return std::string(name(node.pool->state));
}

}  // namespace

std::string quoted(const std::string& text) {
  return text_of(Json(text));
}

std::string node_line(const NodeView& node, const std::vector<std::optional<BuildNumber>>& slots,
                      const WallClock& wall) {
  const auto& info = *node.info;
  const auto& occupancy = *node.occupancy;
  const bool is_lost = node.state == NodeState::lost;
  Json busy = Json::array();
  for (std::size_t slot = 0; slot < slots.size() && !is_lost; ++slot) {
    if (slots[slot]) busy.push_back({slot, *slots[slot]});
  }
  Json line = {{"name", info.name},
               {"state", state_name(node.state)},
               {"slots", info.slots},
               {"running", is_lost ? 0 : occupancy.running},
               {"ready", is_lost ? 0 : occupancy.ready},
               {"queued", is_lost ? 0 : occupancy.queued},
               {"leased", node.leased},
               {"staged", occupancy.toolchains.size()},
               {"load", std::round(occupancy.load * 10) / 10},
               {"memory", info.memory_bytes},
               {"memory_available", occupancy.memory_available_bytes / kMemoryStep * kMemoryStep},
               {"completed", occupancy.completed},
               {"failed", occupancy.failed},
               {"heat", heat_of(node)},
               {"busy", std::move(busy)}};
  if (is_lost) line["heard"] = wall(node.heard);
  return text_of(line);
}

std::string pool_line(const PoolView& pool) {
  std::map<std::string, std::uint64_t> nodes;
  std::uint64_t ready = 0;
  std::uint64_t busy = 0;
  std::uint64_t wanted = 0;
  std::string trouble;
  for (const auto& node : pool.nodes) {
    ++nodes[state_of(node)];
    if (node.state == NodeState::lost) continue;
    ready += node.pool->ready;
    busy += node.pool->busy;
    wanted += node.wanted;
    if (node.pool->state == PoolState::broken && trouble.empty()) {
      trouble = node.node + ": " + node.pool->reason;
    }
  }
  const auto& definition = *pool.definition;
  return text_of({{"name", definition.spec.name},
                  {"context", name(definition.spec.context)},
                  {"version", definition.version},
                  {"nodes", nodes},
                  {"executors_ready", ready},
                  {"executors_busy", busy},
                  {"executors_wanted", wanted},
                  {"waiting", pool.waiting},
                  {"trouble", trouble}});
}

std::string build_line(const LiveBuild& build, const WallClock& wall) {
  return text_of({{"id", build.number},
                  {"name", build.name},
                  {"client", build.clients.empty() ? std::string() : *build.clients.begin()},
                  {"clients", build.clients.size()},
                  {"running", build.running},
                  {"queued", build.queued},
                  {"done", build.done},
                  {"begun", wall(build.begun)},
                  {"last", wall(build.last)}});
}

std::string event_line(const FarmEvent& event, const WallClock& wall) {
  return text_of({{"id", event.id},
                  {"at", wall(event.at)},
                  {"kind", event.kind},
                  {"severity", name(event.severity)},
                  {"subject", event.subject},
                  {"text", event.text}});
}

std::string point_line(const SeriesPoint& point, const WallClock& wall) {
  return text_of(Json::array({wall(point.at), point.running, point.waiting, point.completed,
                              milliseconds_of(point.median), milliseconds_of(point.p95)}));
}

std::string job_line(const LiveJob& job, const WallClock& wall) {
  Json line = {{"id", job.id},
               {"attempt", text_of(job.attempt)},
               {"label", job.label},
               {"node", job.node},
               {"slot", job.slot ? Json(*job.slot) : Json(nullptr)},
               {"pool", job.pool},
               {"accepted", wall(job.accepted)},
               {"started", wall_or_null(job.started, wall)},
               {"ended", wall_or_null(job.ended, wall)},
               {"phase", job.went ? std::string_view("ended") : name(job.phase)}};
  if (job.lost) line["lost"] = true;
  return text_of(line);
}

std::string task_line(const TaskStatus& task, const std::string& node,
                      const JobBook::Place* place) {
  return text_of({{"attempt", text_of(task.attempt)},
                  {"label", task.label},
                  {"node", node},
                  {"slot", place != nullptr && place->slot ? Json(*place->slot) : Json(nullptr)},
                  {"pool", task.pool},
                  {"build", place == nullptr ? 0 : place->build},
                  {"build_name", task.build},
                  {"client", task.client},
                  {"phase", name(task.phase)},
                  {"phase_ms", task.phase_ms},
                  {"age_ms", task.age_ms},
                  {"pid", task.pid}});
}

}  // namespace kiln::coordinator
