// The parts of the coordinator's log.
#pragma once

#include "common/base/log.h"

namespace kiln::coordinator {

inline LogParts log_parts() {
  return {"main", "nodes", "clients", "scheduling", "pools", "relay", "keys"};
}

struct PartLogs {
  explicit PartLogs(const Logger& log)
      : main(log.part("main")),
        nodes(log.part("nodes")),
        clients(log.part("clients")),
        scheduling(log.part("scheduling")),
        pools(log.part("pools")),
        relay(log.part("relay")),
        keys(log.part("keys")) {}

  Logger main;        // the process itself
  Logger nodes;       // workers come and go, are drained
  Logger clients;     // agents come and go; messages that nobody should send
  Logger scheduling;  // requests and leases
  Logger pools;
  Logger relay;  // streams between agents and workers
  Logger keys;   // who is let in
};

}  // namespace kiln::coordinator
