// The parts of the worker's log.
#pragma once

#include "common/base/log.h"

namespace kiln::worker {

inline LogParts log_parts() {
  return {"main", "coordinator", "tasks", "staging", "executors", "pools", "relay", "keys"};
}

struct PartLogs {
  explicit PartLogs(const Logger& log)
      : main(log.part("main")),
        coordinator(log.part("coordinator")),
        tasks(log.part("tasks")),
        staging(log.part("staging")),
        executors(log.part("executors")),
        pools(log.part("pools")),
        relay(log.part("relay")),
        keys(log.part("keys")) {}

  Logger main;         // the process itself
  Logger coordinator;  // the connections to coordinators
  Logger tasks;        // attempts, from RUN to the result's ACK
  Logger staging;      // inputs, toolchains, workspaces
  Logger executors;    // processes that tasks run in
  Logger pools;        // definitions and wishes
  Logger relay;        // streams through coordinators
  Logger keys;         // who is let in
};

}  // namespace kiln::worker
