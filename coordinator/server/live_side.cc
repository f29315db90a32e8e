// What the live page and programs may ask for over HTTP. The reactor notes what happens and hands
// it on once a second; all else is done by other threads.
#include <chrono>
#include <utility>

#include "coordinator/dashboard/query.h"
#include "coordinator/server/pool_json.h"
#include "coordinator/server/server.h"

namespace kiln::coordinator {
namespace {

// A farm in full swing makes some ten thousand in a second.
constexpr std::size_t kChangesKept = 500'000;

std::int64_t unix_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(now).count();
}

metrics::HttpReply json_page(std::string body) {
  return {200, "application/json", std::move(body)};
}

// Those whose name is asked for, or all.
template <typename View, typename NameOf>
std::vector<View> named(const std::vector<View>& views, const std::string& query, NameOf name_of) {
  const auto name = Query(query).text("name");
  if (name.empty()) return views;
  std::vector<View> found;
  for (const auto& view : views) {
    if (name_of(view) == name) found.push_back(view);
  }
  return found;
}

}  // namespace

void Server::note_tasks(const std::string& worker, std::uint64_t epoch,
                        const Occupancy& occupancy) {
  if (look_.changes.size() > kChangesKept) {
    look_.changes.clear();
    look_.missed_changes = true;
    job_watch_.forget_all();
  }
  job_watch_.reported(worker, epoch, occupancy, reactor_.now(), look_.changes);
}

void Server::note_loss(const WorkerLost& loss) {
  job_watch_.lost(loss.worker, reactor_.now(), look_.changes);
  look_.losses.push_back(loss);
}

// One at a time: while the last look is still being taken in, the next one grows.
void Server::look_at_farm() {
  if (std::exchange(looking_, true)) return;
  look_.farm = shared_->farm;
  look_.unix_ms = unix_ms();
  auto look = std::make_shared<Look>(std::exchange(look_, {}));
  reactor_.offload(
      encoder_, [dashboard = dashboard_, look] { dashboard->look(std::move(*look)); },
      [this, alive = std::weak_ptr<bool>(alive_)] {
        if (!alive.expired()) looking_ = false;
      });
}

void Server::add_pages(metrics::HttpHandlers& handlers) {
  const auto farm = [shared = shared_] {
    const std::lock_guard lock(shared->mutex);
    return shared->farm;
  };
  handlers.pages["/api/v1/nodes"] = [farm](const std::string& query) {
    const auto now = farm();
    const auto nodes =
        named(now->nodes, query, [](const NodeView& node) { return node.info->name; });
    return json_page(nodes_json(node_statuses(nodes, now->taken)));
  };
  handlers.pages["/api/v1/pools"] = [farm](const std::string& query) {
    const auto pools = named(farm()->pools, query,
                             [](const PoolView& pool) { return pool.definition->spec.name; });
    return json_page(pools_json(pool_statuses(pools)));
  };
  handlers.pages["/api/v1/live"] = [dashboard = dashboard_](const std::string& query) {
    return dashboard->live(query);
  };
  handlers.pages["/api/v1/tasks"] = [dashboard = dashboard_](const std::string& query) {
    return dashboard->tasks(query);
  };
  handlers.pages["/api/v1/timeline"] = [dashboard = dashboard_](const std::string& query) {
    return dashboard->timeline(query);
  };
}

}  // namespace kiln::coordinator
