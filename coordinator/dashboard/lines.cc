#include "coordinator/dashboard/lines.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "coordinator/live/states.h"

namespace kiln::coordinator {
namespace {

// What sways all the time is told coarsely, so that a node at rest is not told again and again.
constexpr std::uint64_t kMemoryStep = std::uint64_t{64} << 20U;

std::string_view heat_of(const NodeView& node) {
  const auto& occupancy = *node.occupancy;
  if (occupancy.running >= node.info->slots) return "busy";
  if (occupancy.ready > 0) return "ready";
  return occupancy.toolchains.empty() ? "cold" : "staged";
}

std::string milliseconds_of(const std::optional<Duration>& duration) {
  return duration ? decimal(1000 * in_seconds(*duration), 1) : "null";
}

std::string wall_or_null(const std::optional<TimePoint>& time, const WallClock& wall) {
  return time ? std::to_string(wall(*time)) : "null";
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

std::string rows_of(const std::vector<std::optional<BuildNumber>>& slots) {
  std::string rows = "[";
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    if (!slots[slot]) continue;
    if (rows.size() > 1) rows += ',';
    rows += "[" + std::to_string(slot) + "," + std::to_string(*slots[slot]) + "]";
  }
  return rows + "]";
}

}  // namespace

std::string node_line(const NodeView& node, const std::vector<std::optional<BuildNumber>>& slots,
                      const WallClock& wall) {
  const auto& info = *node.info;
  const auto& occupancy = *node.occupancy;
  const bool is_lost = node.state == NodeState::lost;
  const std::uint64_t living = is_lost ? 0 : 1;
  JsonObject line;
  line.text("name", info.name).text("state", state_name(node.state)).number("slots", info.slots);
  line.number("running", living * occupancy.running).number("ready", living * occupancy.ready);
  line.number("queued", living * occupancy.queued).number("leased", node.leased);
  line.number("staged", occupancy.toolchains.size()).member("load", decimal(occupancy.load, 1));
  line.member("speed", decimal(occupancy.core_speed, 2));
  line.number("memory", info.memory_bytes);
  line.number("memory_available", occupancy.memory_available_bytes / kMemoryStep * kMemoryStep);
  line.number("completed", occupancy.completed).number("failed", occupancy.failed);
  line.text("heat", heat_of(node)).member("busy", is_lost ? "[]" : rows_of(slots));
  if (is_lost) line.time("heard", wall(node.heard));
  return line.end();
}

std::string pool_line(const PoolView& pool) {
  std::map<std::string_view, std::uint64_t> states;
  std::uint64_t ready = 0;
  std::uint64_t busy = 0;
  std::uint64_t wanted = 0;
  std::string trouble;
  for (const auto& node : pool.nodes) {
    ++states[state_of(node)];
    if (node.state == NodeState::lost) continue;
    ready += node.pool->ready;
    busy += node.pool->busy;
    wanted += node.wanted;
    if (node.pool->state == PoolState::broken && trouble.empty()) {
      trouble = node.node + ": " + node.pool->reason;
    }
  }
  JsonObject nodes;
  for (const auto& [state, count] : states) nodes.number(state, count);
  const auto& definition = *pool.definition;
  JsonObject line;
  line.text("name", definition.spec.name).text("context", name(definition.spec.context));
  line.number("version", definition.version).member("nodes", nodes.end());
  line.number("executors_ready", ready).number("executors_busy", busy);
  line.number("executors_wanted", wanted).number("waiting", pool.waiting).text("trouble", trouble);
  return line.end();
}

std::string build_line(const LiveBuild& build, const WallClock& wall) {
  JsonObject line;
  line.number("id", build.number).text("name", build.name);
  line.text("client", build.clients.empty() ? std::string() : *build.clients.begin());
  line.number("clients", build.clients.size()).number("running", build.running);
  line.number("queued", build.queued).number("waiting", build.waiting);
  line.number("done", build.done);
  line.time("begun", wall(build.begun)).time("last", wall(build.last));
  return line.end();
}

std::string event_line(const FarmEvent& event, const WallClock& wall) {
  JsonObject line;
  line.number("id", event.id).time("at", wall(event.at)).text("kind", event.kind);
  line.text("severity", name(event.severity)).text("subject", event.subject);
  return line.text("text", event.text).end();
}

std::string point_line(const SeriesPoint& point, const WallClock& wall) {
  return "[" + std::to_string(wall(point.at)) + "," + std::to_string(point.running) + "," +
         std::to_string(point.waiting) + "," + std::to_string(point.completed) + "," +
         milliseconds_of(point.median) + "," + milliseconds_of(point.p95) + "]";
}

std::string job_line(const LiveJob& job, const WallClock& wall) {
  JsonObject line;
  line.number("id", job.id).text("attempt", text_of(job.attempt)).text("label", job.label);
  line.text("node", job.node).number("slot", job.slot).text("pool", job.pool);
  line.time("accepted", wall(job.accepted)).member("started", wall_or_null(job.started, wall));
  line.member("ended", wall_or_null(job.ended, wall));
  line.text("phase", job.went ? std::string_view("ended") : name(job.phase));
  if (job.lost) line.member("lost", "true");
  return line.end();
}

std::string task_line(const TaskStatus& task, const std::string& node,
                      const JobBook::Place* place) {
  JsonObject line;
  line.text("attempt", text_of(task.attempt)).text("label", task.label).text("node", node);
  line.number("slot", place == nullptr ? std::nullopt : place->slot).text("pool", task.pool);
  line.number("build", place == nullptr ? 0 : place->build).text("build_name", task.build);
  line.text("client", task.client).text("phase", name(task.phase));
  line.number("phase_ms", task.phase_ms).number("age_ms", task.age_ms);
  line.number("pid", static_cast<std::uint64_t>(std::max(task.pid, 0)));
  return line.end();
}

}  // namespace kiln::coordinator
