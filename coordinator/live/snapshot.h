// The farm at one moment.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "coordinator/pools/types.h"
#include "coordinator/scheduling/types.h"

namespace kiln::coordinator {

// Cheap to take, and to be read on any thread.
struct FarmSnapshot {
  std::vector<NodeView> nodes;  // by name
  std::vector<PoolView> pools;
  TimePoint taken;
  std::uint32_t waiting_requests = 0;
  std::uint32_t clients = 0;
  std::map<std::string, Waiting> builds_waiting = {};  // by name
};

}  // namespace kiln::coordinator
