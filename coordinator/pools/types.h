// What goes into the keeping of pools, and what comes out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/model/pool.h"
#include "coordinator/pools/catalog.h"
#include "coordinator/pools/warm_policy.h"
#include "coordinator/scheduling/types.h"

namespace kiln::coordinator {

// When something happens: `now` for what lasts, the others for what people say.
struct Moment {
  TimePoint now{};
  std::uint64_t unix_s = 0;  // seconds since 1970
  WeekTime week;             // of the same moment
};

enum class PoolAction : std::uint8_t { create, warm, quiesce, wake, resize, remove };

// A client's wish; the fields are those of wire::PoolChange.
struct PoolRequest {
  PoolAction action = PoolAction::create;
  PoolSpec spec;
  std::uint32_t count = 0;
  bool all = false;
};

// What a worker says of its pools; the fields are those of wire::PoolReport.
struct WorkerReport {
  std::string worker;
  std::uint64_t epoch = 0;
  bool complete = false;
  std::vector<PoolOnNode> pools;
  std::vector<PoolDefinition> definitions;
  std::uint64_t coordinator_epoch = 0;
};

// To be sent to one worker.
struct WorkerOrders {
  std::string worker;
  bool complete = false;
  std::vector<PoolOrder> orders;
};

// A pool on one node, for listings. `pool` is never null.
struct PoolNodeView {
  std::string node;
  NodeState state = NodeState::ready;
  std::uint32_t wanted = 0;
  bool answered = false;
  std::shared_ptr<const PoolOnNode> pool;
};
// Cheap to copy, and to read on any thread.
struct PoolView {
  DefinitionPtr definition;
  std::vector<PoolNodeView> nodes;  // the selected ones, by name
  std::uint32_t waiting = 0;        // requests for leases
  std::uint32_t kept_ready = 0;     // executors, by its definition now, whatever nodes there are
};

}  // namespace kiln::coordinator
