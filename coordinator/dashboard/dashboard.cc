#include "coordinator/dashboard/dashboard.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "coordinator/dashboard/fragments.h"
#include "coordinator/dashboard/json_object.h"
#include "coordinator/dashboard/lines.h"
#include "coordinator/dashboard/query.h"

namespace kiln::coordinator {
namespace {

constexpr std::uint64_t kTasksListed = 200;
constexpr std::uint64_t kTasksListedAtMost = 5000;

metrics::HttpReply answer(std::string body) {
  return {200, "application/json", std::move(body) + "\n"};
}

std::string in_brackets(const std::string& lines) {
  return "[" + lines + "]";
}

// The sums over the farm.
std::string farm_line(const FarmSnapshot& farm) {
  std::uint64_t slots = 0;
  std::uint64_t running = 0;
  std::uint64_t ready = 0;
  std::uint64_t queued = 0;
  std::uint64_t leased = 0;
  std::uint64_t completed = 0;
  std::array<std::uint64_t, kNodeStates> nodes{};
  for (const auto& node : farm.nodes) {
    ++nodes.at(static_cast<std::size_t>(node.state));
    completed += node.occupancy->completed;
    if (node.state == NodeState::lost) continue;
    slots += node.info->slots;
    running += node.occupancy->running;
    ready += node.occupancy->ready;
    queued += node.occupancy->queued;
    leased += node.leased;
  }
  JsonObject line;
  line.number("slots", slots).number("running", running).number("ready", ready);
  line.number("queued", queued).number("leased", leased).number("waiting", farm.waiting_requests);
  line.number("clients", farm.clients).number("completed", completed);
  line.number("nodes_ready", nodes[0]).number("nodes_draining", nodes[1]);
  return line.number("nodes_lost", nodes[2]).end();
}

struct ListedTask {
  const TaskStatus* task = nullptr;
  const std::string* node = nullptr;
  const JobBook::Place* place = nullptr;
};

}  // namespace

// Made when somebody asks, of the look that is the last then.
struct Dashboard::Encoded {
  std::uint64_t look = 0;
  std::string farm;
  Fragments nodes;
  Fragments pools;
  Fragments builds;
};

Dashboard::Dashboard(std::uint64_t epoch, std::string version, TimePoint started)
    : epoch_(std::to_string(epoch)),
      version_(std::move(version)),
      started_(started),
      farm_(std::make_shared<const FarmSnapshot>()),
      encoded_(std::make_unique<Encoded>()) {
  events_.started(started, version_);
}

Dashboard::~Dashboard() = default;

void Dashboard::look(Look look) {
  const std::lock_guard lock(mutex_);
  // Begins with the second of the day, so that no number of an earlier coordinator is one of ours:
  // nor of its builds, whose addresses people keep.
  if (first_look_ == 0) {
    looks_ = first_look_ = static_cast<std::uint64_t>(look.unix_ms / 1000);
    book_ = JobBook(JobBook::Bounds{}, first_look_);
  }
  ++looks_;
  farm_ = std::move(look.farm);
  unix_ms_ = look.unix_ms;
  if (look.missed_changes) book_.end_all(farm_->taken);
  for (const auto& change : look.changes) book_.apply(change);
  book_.note_waiting(farm_->builds_waiting, farm_->taken);
  book_.tidy(farm_->taken);
  events_.look(looks_, *farm_, look.losses);
  series_.add(looks_, *farm_, book_.take_times());
}

std::int64_t Dashboard::wall(TimePoint time) const {
  const auto before = std::chrono::duration_cast<milliseconds>(farm_->taken - time);
  return unix_ms_ - before.count();
}

void Dashboard::encode() {
  if (encoded_->look == looks_ && !encoded_->farm.empty()) return;
  encoded_->look = looks_;
  const WallClock clock = [this](TimePoint time) { return wall(time); };
  encoded_->farm = farm_line(*farm_);
  auto& nodes = encoded_->nodes;
  nodes.begin(looks_);
  for (const auto& node : farm_->nodes) {
    nodes.put(quoted(node.info->name), node_line(node, book_.slots(node.info->name), clock));
  }
  nodes.end();
  auto& pools = encoded_->pools;
  pools.begin(looks_);
  for (const auto& pool : farm_->pools) {
    pools.put(quoted(pool.definition->spec.name), pool_line(pool));
  }
  pools.end();
  auto& builds = encoded_->builds;
  builds.begin(looks_);
  for (const auto& [number, build] : book_.builds()) {
    builds.put(std::to_string(number), build_line(build, clock));
  }
  builds.end();
}

// ---- Pages -------------------------------------------------------------------------------------

metrics::HttpReply Dashboard::live(const std::string& query) {
  const std::lock_guard lock(mutex_);
  encode();
  const auto& all = *encoded_;
  auto since = Query(query).number("since").value_or(0);
  const bool known = since >= first_look_ && since <= looks_ && all.nodes.remembers(since) &&
                     all.pools.remembers(since) && all.builds.remembers(since);
  if (!known) since = 0;
  const WallClock clock = [this](TimePoint time) { return wall(time); };
  std::string events;
  for (const auto& event : events_.events()) {
    if (event.look > since) add_item(events, event_line(event, clock));
  }
  std::string points;
  for (const auto& point : series_.points()) {
    if (point.look > since) add_item(points, point_line(point, clock));
  }
  JsonObject series;
  series.number("step", std::uint64_t{1000}).member("points", in_brackets(points));
  JsonObject body;
  body.text("epoch", epoch_).number("seq", looks_).member("full", since == 0 ? "true" : "false");
  body.time("now", unix_ms_).time("started", wall(started_)).text("version", version_);
  body.member("farm", all.farm);
  body.member("nodes", in_brackets(all.nodes.changed(since)));
  body.member("gone", in_brackets(all.nodes.gone(since)));
  body.member("pools", in_brackets(all.pools.changed(since)));
  body.member("gone_pools", in_brackets(all.pools.gone(since)));
  body.member("builds", in_brackets(all.builds.changed(since)));
  body.member("gone_builds", in_brackets(all.builds.gone(since)));
  body.member("events", in_brackets(events)).member("series", series.end());
  return answer(body.end());
}

metrics::HttpReply Dashboard::tasks(const std::string& query) const {
  const Query asked(query);
  const auto node_name = asked.text("node");
  const auto pool = asked.text("pool");
  const auto build = asked.number("build");
  const auto limit = std::min(asked.number("limit").value_or(kTasksListed), kTasksListedAtMost);
  const std::lock_guard lock(mutex_);
  std::vector<ListedTask> matching;
  for (const auto& node : farm_->nodes) {
    if (node.state == NodeState::lost) continue;
    if (!node_name.empty() && node.info->name != node_name) continue;
    for (const auto& task : node.occupancy->tasks) {
      if (!pool.empty() && task.pool != pool) continue;
      const auto* place = book_.place_of(task.attempt);
      if (build && *build != (place == nullptr ? 0 : place->build)) continue;
      matching.push_back({&task, &node.info->name, place});
    }
  }
  const auto shown = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(limit, matching.size()));
  std::partial_sort(matching.begin(), matching.begin() + shown, matching.end(),
                    [](const ListedTask& a, const ListedTask& b) {
                      return std::make_pair(b.task->age_ms, a.task->attempt) <
                             std::make_pair(a.task->age_ms, b.task->attempt);
                    });
  std::string lines;
  for (auto one = matching.begin(); one != matching.begin() + shown; ++one) {
    add_item(lines, task_line(*one->task, *one->node, one->place));
  }
  JsonObject body;
  body.time("now", unix_ms_).number("total", matching.size());
  return answer(body.member("tasks", in_brackets(lines)).end());
}

metrics::HttpReply Dashboard::timeline(const std::string& query) const {
  const Query asked(query);
  const auto number = asked.number("build");
  if (!number) return {400, "application/json", "{\"error\":\"name a build: ?build=1\"}\n"};
  const auto since = asked.number("since").value_or(0);
  const std::lock_guard lock(mutex_);
  const auto* build = book_.find(*number);
  if (build == nullptr) {
    return {404, "application/json", "{\"error\":\"no build of that number is known\"}\n"};
  }
  const WallClock clock = [this](TimePoint time) { return wall(time); };
  std::string jobs;
  for (const auto& job : build->jobs) {
    if (job.changed > since) add_item(jobs, job_line(job, clock));
  }
  JsonObject body;
  body.time("now", unix_ms_).member("build", build_line(*build, clock));
  body.number("dropped", build->dropped).number("next", build->changed);
  body.number("first", build->jobs.empty() ? 0 : build->jobs.front().id);
  return answer(body.member("jobs", in_brackets(jobs)).end());
}

}  // namespace kiln::coordinator
