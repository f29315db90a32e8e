#include "worker/pools/pool_terms.h"

#include <algorithm>
#include <utility>

namespace kiln::worker {
namespace {

std::uint64_t smaller(std::uint64_t one, std::uint64_t other) {
  if (one == 0 || other == 0) return std::max(one, other);
  return std::min(one, other);
}

PoolSpec recipe_of(PoolSpec spec) {
  spec.executors = 0;
  spec.nodes.clear();
  spec.min_warm = 0;
  spec.windows.clear();
  spec.idle_ms = 0;
  spec.limits = {};
  return spec;
}

// A peer's number: a year is as good as never, and far from overflow.
Duration idle_of(const PoolSpec& spec) {
  constexpr std::uint64_t kYearMs = std::uint64_t{365} * 24 * 3600 * 1000;
  return milliseconds(std::min(spec.idle_ms, kYearMs));
}

}  // namespace

std::vector<PoolToolchain> own_toolchains(const PoolSpec& spec, const std::string& architecture) {
  std::vector<PoolToolchain> own;
  for (const auto& toolchain : spec.toolchains) {
    if (toolchain.architecture == architecture) own.push_back(toolchain);
  }
  return own;
}

PoolSettings settings_of(const PoolTerms& terms, const NodeFacts& node) {
  const PoolSpec& spec = terms.definition.spec;
  PoolSettings settings;
  settings.present = terms.selected && !terms.definition.deleted;
  settings.version = terms.definition.version;
  settings.capacity = spec.executors > 0 ? spec.executors : node.slots;
  settings.keep_ready = std::min(terms.keep_ready, settings.capacity);
  settings.idle = idle_of(spec);
  settings.initialises = !spec.init.empty() || !spec.probe.empty();
  settings.recipe = recipe_of(spec);
  if (settings.initialises && own_toolchains(spec, node.architecture).empty()) {
    settings.refusal =
        "its initializer has no root here: the pool names no toolchain for " + node.architecture;
  }
  return settings;
}

Limits bounded(const Limits& task, const Limits& pool) {
  return {smaller(task.wall_ms, pool.wall_ms), smaller(task.memory_bytes, pool.memory_bytes),
          smaller(task.output_bytes, pool.output_bytes)};
}

PoolTerms default_terms(std::uint32_t slots) {
  PoolTerms terms;
  terms.definition.spec.name = kDefaultPool;
  terms.selected = true;
  terms.keep_ready = slots;
  return terms;
}

}  // namespace kiln::worker
