// Runs a pool's initializer on a fresh executor: its steps one after the other, then the probe.
// Each may write as much as it likes; the end of it all is told.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/thread_pool.h"
#include "common/model/pool.h"
#include "common/net/reactor.h"
#include "worker/executor/executor_host.h"
#include "worker/pools/pool_actions.h"

namespace kiln::worker {

// The whole lines at the end of a text that together have at most `most` bytes; of a last line that
// is longer its end.
std::string_view last_lines(std::string_view text, std::size_t most);

class Initialiser {
 public:
  // Given once for each run() that was not dropped, never from within run().
  using Done = std::function<void(PlaceId, const InitialiserEnd&)>;

  Initialiser(net::Reactor& reactor, ThreadPool& removals, ExecutorHost& host, Done done)
      : reactor_(reactor), removals_(removals), host_(host), done_(std::move(done)) {}

  // `lowers`: the root of the steps. REQUIRES: the executor is ready and has no task; the root
  // stays until the end.
  void run(PlaceId place, ExecutorId executor, const PoolSpec& spec,
           const std::vector<std::filesystem::path>& lowers);
  // The executor is being stopped: nothing is to be told of it any more.
  void drop(PlaceId place) { runs_.erase(place); }
  // Sends SIGTERM, once, to the steps that run: their initializers fail.
  void terminate();
  bool busy() const { return !runs_.empty(); }
  // Whether the report is that of one of its steps, which it has then dealt with.
  bool finished(const RunReport& report);

 private:
  struct Run {
    ExecutorId executor{};
    std::vector<std::vector<std::string>> steps;  // the probe last
    bool probes = false;
    std::size_t next = 0;
    std::uint64_t attempt = 0;
    std::vector<std::pair<std::string, std::string>> environment;
    std::vector<std::filesystem::path> lowers;
    Duration limit{};
    TimePoint deadline;
    std::string output;  // the end of what was written so far
  };
  void next_step(PlaceId place);
  void failed(PlaceId place, std::string reason, std::int32_t exit_code = 0);
  void end(PlaceId place, InitialiserEnd end);
  static std::string title(const Run& run);

  net::Reactor& reactor_;
  ThreadPool& removals_;
  ExecutorHost& host_;
  Done done_;
  std::map<PlaceId, Run> runs_;
  std::uint64_t last_attempt_ = 0;
};

}  // namespace kiln::worker
