#include "coordinator/server/limits.h"

#include <string>
#include <string_view>

#include "coordinator/pools/pool_spec.h"

namespace kiln::coordinator {
namespace {

constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxKey = 4'096;
constexpr std::size_t kMaxLabels = 64;
constexpr std::size_t kMaxToolchains = 1'024;
constexpr std::size_t kMaxTasks = 8'192;
constexpr std::size_t kMaxExcluded = 64;
// Twice what a catalogue holds: two coordinators may each have taught a worker as many.
constexpr std::size_t kMaxPools = 2'002;
constexpr std::size_t kMaxDefinitions = 10'000;
constexpr std::size_t kMaxOutput = std::size_t{16} * 1024;
constexpr std::size_t kMaxSpec = std::size_t{64} * 1024;

Status at_most(std::string_view what, std::size_t size, std::size_t limit) {
  if (size <= limit) return {};
  return fail(Errc::invalid_argument, std::string(what) + " is too long: " + std::to_string(size) +
                                          ", at most " + std::to_string(limit));
}

Status check_occupancy(const Occupancy& occupancy) {
  KILN_TRY(at_most("occupancy.toolchains", occupancy.toolchains.size(), kMaxToolchains));
  KILN_TRY(at_most("occupancy.tasks", occupancy.tasks.size(), kMaxTasks));
  for (const auto& task : occupancy.tasks) {
    KILN_TRY(at_most("a task's label", task.label.size(), kMaxKey));
    KILN_TRY(at_most("a task's build", task.build.size(), kMaxName));
    KILN_TRY(at_most("a task's client", task.client.size(), kMaxName));
  }
  return {};
}

}  // namespace

Status check_limits(const wire::WorkerHello& hello) {
  const auto& node = hello.node;
  KILN_TRY(at_most("node.name", node.name.size(), kMaxName));
  KILN_TRY(at_most("node.version", node.version.size(), kMaxName));
  KILN_TRY(at_most("node.task_address", node.task_address.size(), kMaxName));
  KILN_TRY(at_most("node.bulk_address", node.bulk_address.size(), kMaxName));
  KILN_TRY(at_most("node.architecture", node.architecture.size(), kMaxName));
  KILN_TRY(at_most("node.labels", node.labels.size(), kMaxLabels));
  for (const auto& label : node.labels) {
    KILN_TRY(at_most("a label", label.first.size() + label.second.size(), kMaxName));
  }
  return check_occupancy(hello.occupancy);
}

Status check_limits(const wire::OccupancyReport& report) {
  KILN_TRY(at_most("worker", report.worker.size(), kMaxName));
  return check_occupancy(report.occupancy);
}

Status check_limits(const wire::ClientHello& hello) {
  KILN_TRY(at_most("host", hello.host.size(), kMaxName));
  KILN_TRY(at_most("user", hello.user.size(), kMaxName));
  return at_most("version", hello.version.size(), kMaxName);
}

Status check_limits(const wire::PoolReport& report) {
  KILN_TRY(at_most("worker", report.worker.size(), kMaxName));
  KILN_TRY(at_most("pools", report.pools.size(), kMaxPools));
  for (const auto& pool : report.pools) {
    KILN_TRY(at_most("a pool's name", pool.name.size(), kMaxName));
    KILN_TRY(at_most("a pool's fallback", pool.fallback.size(), kMaxKey));
    KILN_TRY(at_most("a pool's reason", pool.reason.size(), kMaxKey));
    KILN_TRY(at_most("a pool's output", pool.output.size(), kMaxOutput));
  }
  return at_most("definitions", report.definitions.size(), kMaxDefinitions);
}

// What the definition itself may hold is checked with more words where it is taken.
Status check_limits(const wire::PoolChange& change) {
  KILN_TRY(at_most("action", change.action.size(), kMaxName));
  return at_most("spec", text_bytes(change.spec), kMaxSpec);
}

Status check_limits(const wire::PoolQuery& query) {
  return at_most("name", query.name.size(), kMaxName);
}

Status check_limits(const wire::Acquire& acquire) {
  KILN_TRY(at_most("pool", acquire.pool.size(), kMaxName));
  KILN_TRY(at_most("architecture", acquire.architecture.size(), kMaxName));
  KILN_TRY(at_most("key", acquire.key.size(), kMaxKey));
  KILN_TRY(at_most("build", acquire.build.size(), kMaxName));
  KILN_TRY(at_most("excluded", acquire.excluded.size(), kMaxExcluded));
  for (const auto& name : acquire.excluded) {
    KILN_TRY(at_most("an excluded name", name.size(), kMaxName));
  }
  return {};
}

Status check_limits(const wire::RelayOpen& open) {
  return at_most("worker", open.worker.size(), kMaxName);
}

Status check_limits(const wire::RelayClose& close) {
  KILN_TRY(at_most("code", close.code.size(), kMaxName));
  return at_most("reason", close.reason.size(), kMaxKey);
}

Status check_limits(const wire::NodeChange& change) {
  KILN_TRY(at_most("action", change.action.size(), kMaxName));
  return at_most("node", change.node.size(), kMaxName);
}

Status check_limits(const wire::LogChange& change) {
  KILN_TRY(at_most("node", change.node.size(), kMaxName));
  return at_most("levels", change.levels.size(), kMaxKey);
}

Status check_limits(const wire::LogState& state) {
  KILN_TRY(at_most("parts", state.parts.size(), kMaxLabels));
  for (const auto& part : state.parts) {
    KILN_TRY(at_most("a part", part.name.size() + part.level.size() + part.then.size(), kMaxName));
  }
  return {};
}

}  // namespace kiln::coordinator
