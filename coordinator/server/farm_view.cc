#include "coordinator/server/farm_view.h"

#include <nlohmann/json.hpp>

#include "coordinator/live/states.h"

namespace kiln::coordinator {
namespace {

using Json = nlohmann::json;

Json json_of(const wire::NodeStatus& status) {
  const auto& node = status.node;
  const auto& occupancy = status.occupancy;
  Json labels = Json::object();
  for (const auto& label : node.labels) labels[label.first] = label.second;
  Json toolchains = Json::array();
  for (const auto& digest : occupancy.toolchains) toolchains.push_back(digest.hex());
  return Json{{"name", node.name},
              {"epoch", std::to_string(node.epoch)},
              {"version", node.version},
              {"state", status.state},
              {"task_address", node.task_address},
              {"bulk_address", node.bulk_address},
              {"architecture", node.architecture},
              {"labels", labels},
              {"slots", node.slots},
              {"running", occupancy.running},
              {"queued", occupancy.queued},
              {"ready", occupancy.ready},
              {"leased", status.leased},
              {"completed", occupancy.completed},
              {"failed", occupancy.failed},
              {"toolchains", toolchains},
              {"memory_bytes", node.memory_bytes},
              {"memory_available_bytes", occupancy.memory_available_bytes},
              {"load", occupancy.load},
              {"core_speed", occupancy.core_speed},
              {"silent_ms", status.silent_ms}};
}

}  // namespace

std::vector<wire::NodeStatus> node_statuses(const std::vector<NodeView>& nodes, TimePoint now) {
  std::vector<wire::NodeStatus> statuses;
  statuses.reserve(nodes.size());
  for (const auto& node : nodes) {
    wire::NodeStatus status;
    status.node = *node.info;
    status.occupancy = *node.occupancy;
    status.state = state_name(node.state);
    const auto silent = std::chrono::duration_cast<milliseconds>(now - node.heard);
    status.silent_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(silent.count(), 0));
    status.leased = node.leased;
    statuses.push_back(std::move(status));
  }
  return statuses;
}

std::string nodes_json(const std::vector<wire::NodeStatus>& nodes) {
  Json list = Json::array();
  for (const auto& status : nodes) list.push_back(json_of(status));
  // Names come from peers and need not be UTF-8.
  return Json{{"nodes", list}}.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace kiln::coordinator
