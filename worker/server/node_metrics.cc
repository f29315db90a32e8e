#include "worker/server/node_metrics.h"

#include <system_error>
#include <utility>

#include "common/base/machine.h"

namespace kiln::worker {

NodeMetrics::NodeMetrics(metrics::Registry& registry, const std::string& node,
                         std::filesystem::path store)
    : store_(std::move(store)),
      process_(registry),
      store_free_(registry.gauge("kiln_worker_store_free_bytes",
                                 "Bytes that the store's file system has left")),
      memory_available_(registry.gauge("kiln_worker_memory_available_bytes",
                                       "Memory of the machine that could be had without swapping")),
      load_(registry.gauge("kiln_worker_load_average",
                           "Load average of the machine over one minute")),
      core_speed_(registry.gauge("kiln_worker_core_speed_ratio",
                                 "Speed of a core at a fixed program like a compiler's work; 1 is "
                                 "the reference")) {
  registry.gauge("kiln_worker_info", "The node's name; always 1", {{"node", node}}).set(1);
  registry
      .gauge("kiln_worker_memory_bytes",
             "Memory of the machine, or less where the worker is given less")
      .set(static_cast<double>(usable_memory_bytes()));
  registry.gauge("kiln_worker_cores", "Cores that the worker may use").set(usable_cores());
}

std::string NodeMetrics::text() {
  std::error_code error;
  const auto space = std::filesystem::space(store_, error);
  if (!error) store_free_.set(static_cast<double>(space.available));
  memory_available_.set(static_cast<double>(available_memory_bytes()));
  load_.set(load_average());
  return process_.text();
}

}  // namespace kiln::worker
