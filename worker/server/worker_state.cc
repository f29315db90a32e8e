// The half of Worker that tells others how it is.
#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/base/core_speed.h"
#include "common/base/files.h"
#include "common/base/machine.h"
#include "worker/server/worker.h"

namespace kiln::worker {
namespace {

// What a node can do changes with its heat and with whom it shares a machine.
constexpr Duration kSpeedHolds = std::chrono::minutes(10);

}  // namespace

Occupancy Worker::occupancy() {
  Occupancy state = tasks_->occupancy();
  state.sequence = ++occupancies_;
  for (const auto& toolchain : stager_->toolchains()) state.toolchains.push_back(toolchain.digest);
  const TimePoint now = reactor_->now();
  if (now >= machine_.stale_at) {
    machine_ = {now + seconds(1), available_memory_bytes(), load_average()};
  }
  state.memory_available_bytes = machine_.memory_available_bytes;
  state.load = machine_.load;
  state.core_speed = core_speed_;
  return state;
}

void Worker::occupancy_changed() {
  if (std::exchange(report_due_, true)) return;
  reactor_->defer([this] {
    report_due_ = false;
    for (const auto& link : coordinators_) link->report();
  });
}

// When it begins and ever after, for placement and for people; on a thread of the pool, which it
// takes some 15 ms of.
void Worker::measure_speed() {
  reactor_->call_after(kSpeedHolds, [this] { measure_speed(); });
  pool_->post([this] {
    const double speed = measure_core_speed();
    reactor_->post([this, speed] {
      core_speed_ = speed;
      node_metrics_->set_core_speed(speed);
      occupancy_changed();
    });
  });
}

Status Worker::ready() const {
  const bool registered = std::any_of(coordinators_.begin(), coordinators_.end(),
                                      [](const auto& link) { return link->welcomed(); });
  if (!registered) return fail(Errc::unavailable, "no coordinator has welcomed this worker");
  if (tasks_->broken_slots() == options_.slots)
    return fail(Errc::unavailable, "every executor is broken; see the log");
  return {};
}

// Once a second: what the HTTP threads show is copied here, so that they never touch the reactor's
// state.
void Worker::publish_gauges() {
  reactor_->call_after(seconds(1), [this] { publish_gauges(); });
  const Occupancy state = tasks_->occupancy();
  watch_->publish();
  for (const auto& link : coordinators_) desk_->look_after(link->endpoint(), link->welcomed());
  const auto gauge = [this](const char* name, const char* help, double value,
                            const metrics::Labels& labels = {}) {
    registry_.gauge(name, help, labels).set(value);
  };
  const auto total = [this](const char* name, const char* help, std::uint64_t so_far) {
    registry_.counter(name, help).reach(static_cast<double>(so_far));
  };
  std::uint64_t welcomed = 0;
  std::uint64_t lost = 0;
  for (const auto& link : coordinators_) {
    welcomed += link->welcomed() ? 1 : 0;
    lost += link->losses();
  }
  gauge("kiln_worker_welcomed", "Coordinators that know this worker",
        static_cast<double>(welcomed));
  total("kiln_worker_coordinators_lost_total", "Times that one knew it and then did not", lost);
  gauge("kiln_worker_slots", "Tasks that may run at once", options_.slots);
  gauge("kiln_worker_executors", "Executors by state", state.running, {{"state", "busy"}});
  gauge("kiln_worker_executors", "Executors by state", state.ready, {{"state", "ready"}});
  gauge("kiln_worker_executors", "Executors by state", tasks_->broken_slots(),
        {{"state", "broken"}});
  gauge("kiln_worker_tasks_queued", "Accepted tasks that do not run yet", state.queued);
  const auto blobs = store_->counters();
  gauge("kiln_worker_store_blobs", "Blobs in the store", static_cast<double>(blobs.blobs));
  gauge("kiln_worker_store_bytes", "Content bytes in the store", static_cast<double>(blobs.bytes));
  gauge("kiln_worker_store_limit_bytes", "Content bytes kept at most",
        static_cast<double>(blobs.limit_bytes));
  gauge("kiln_worker_store_pinned_bytes", "Of these, of blobs that are in use",
        static_cast<double>(blobs.pinned_bytes));
  total("kiln_worker_store_evictions_total", "Blobs that made room for others", blobs.evictions);
  total("kiln_worker_store_hits_total", "Lookups of blobs that were there", blobs.hits);
  total("kiln_worker_store_misses_total", "Lookups of blobs that were not", blobs.misses);
  const auto trees = stager_->counters();
  gauge("kiln_worker_toolchains_staged", "Toolchains on this node",
        static_cast<double>(trees.toolchains));
  total("kiln_worker_trees_reused_total", "Times an assembled input tree served again",
        trees.trees_reused);
  const std::lock_guard lock(shared_.mutex);
  shared_.ready = ready();
}

Status Worker::open_http() {
  metrics::HttpHandlers handlers;
  handlers.metrics = [this] { return node_metrics_->text(); };
  handlers.health = [] { return Status{}; };
  handlers.ready = [this] {
    const std::lock_guard lock(shared_.mutex);
    return shared_.ready;
  };
  auto server = metrics::HttpServer::start(options_.http, std::move(handlers));
  if (!server) return fail(server.error().within("--http " + options_.http));
  http_.emplace(std::move(*server));
  return {};
}

// For whoever started the worker on ports that the system chose.
Status Worker::write_endpoints() const {
  const nlohmann::json endpoints = {
      {"tasks", node_.task_address}, {"blobs", node_.bulk_address}, {"http", http_->address()}};
  return write_file_atomically(options_.store / "endpoints.json", endpoints.dump(2) + "\n", 0644);
}

}  // namespace kiln::worker
