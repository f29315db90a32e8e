// What is done beside the pools' tasks: metrics once a second, and files kept in the page cache
// while their pool is awake.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "common/base/thread_pool.h"
#include "common/net/reactor.h"
#include "worker/server/pool_metrics.h"
#include "worker/server/resident_files.h"
#include "worker/server/task_server.h"

namespace kiln::worker {

class PoolWatch {
 public:
  struct Parts {
    net::Reactor& reactor;
    ThreadPool& pool;
    PoolMetrics& metrics;
  };

  PoolWatch(const Parts& parts, const TaskServer& tasks) : parts_(parts), tasks_(tasks) {}

  // The pool stands otherwise than before.
  void changed(const std::string& pool);
  // Call it once a second.
  void publish();

 private:
  void sample_memory();

  struct Resident {
    std::shared_ptr<const void> of;  // the tree that they are in
    std::shared_ptr<ResidentFiles> files;
  };
  Parts parts_;
  const TaskServer& tasks_;
  std::set<std::string> published_;
  std::map<std::string, Resident> resident_;
  bool sampling_ = false;
};

}  // namespace kiln::worker
