// The parts of the agent's log.
#pragma once

#include "common/base/log.h"

namespace kiln::client {

inline LogParts log_parts() {
  return {"main", "calls", "tasks", "leases", "coordinator", "workers", "toolchains", "relay"};
}

struct PartLogs {
  explicit PartLogs(const Logger& log)
      : main(log.part("main")),
        calls(log.part("calls")),
        tasks(log.part("tasks")),
        leases(log.part("leases")),
        coordinator(log.part("coordinator")),
        workers(log.part("workers")),
        toolchains(log.part("toolchains")),
        relay(log.part("relay")) {}

  Logger main;         // the process itself
  Logger calls;        // of launchers and of the library: how each ends
  Logger tasks;        // attempts on nodes, from the lease to the outputs
  Logger leases;       // requests to the coordinator and what they bring
  Logger coordinator;  // the connections to coordinators
  Logger workers;      // the connections to nodes
  Logger toolchains;   // what is sent to nodes, and whether it can be trusted there
  Logger relay;        // streams through coordinators
};

}  // namespace kiln::client
