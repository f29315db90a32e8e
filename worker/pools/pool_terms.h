// What holds for a pool on this node, from all coordinators together, and what of it the life of
// its executors depends on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/model/pool.h"

namespace kiln::worker {

struct PoolTerms {
  PoolDefinition definition;
  bool selected = false;         // else the node has no executors of it
  std::uint32_t keep_ready = 0;  // executors
  std::vector<PoolToolchain> stage;
  std::vector<std::string> sources;  // bulk addresses of nodes that have some of them
  friend bool operator==(const PoolTerms&, const PoolTerms&) = default;
};

// This node, as pools see it.
struct NodeFacts {
  std::uint32_t slots = 1;
  std::string architecture;  // as NodeInfo::architecture
};

// What a pool's executors live by.
struct PoolSettings {
  bool present = false;        // defined, and selected here
  std::uint64_t version = 0;   // of the definition
  std::uint32_t capacity = 1;  // executors at most
  std::uint32_t keep_ready = 0;
  Duration idle{};           // without a task until executors go; 0: never
  bool initialises = false;  // a fresh executor is not ready before its initializer has run
  PoolSpec recipe;           // of the definition, what another one of needs other executors
  std::string refusal;       // why it cannot be had here; empty: it can
};
PoolSettings settings_of(const PoolTerms& terms, const NodeFacts& node);

// The pool's toolchains that run on this node, in its order.
std::vector<PoolToolchain> own_toolchains(const PoolSpec& spec, const std::string& architecture);

// The task's limits, within those of its pool; 0 means no limit.
Limits bounded(const Limits& task, const Limits& pool);

// The default pool, which needs no order.
PoolTerms default_terms(std::uint32_t slots);

}  // namespace kiln::worker
