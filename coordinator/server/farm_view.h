// The farm for people and programs: as a message and as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/wire/messages.h"
#include "coordinator/live/snapshot.h"
#include "coordinator/scheduling/types.h"

namespace kiln::coordinator {

std::vector<wire::NodeStatus> node_statuses(const std::vector<NodeView>& nodes, TimePoint now);

// {"nodes": […]}; docs/operations.md lists the fields.
std::string nodes_json(const std::vector<wire::NodeStatus>& nodes);

}  // namespace kiln::coordinator
