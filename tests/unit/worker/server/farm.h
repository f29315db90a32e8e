// Real kiln-worker processes, driven by a coordinator and agents that the test plays itself.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/types.h>

#include "common/base/thread_pool.h"
#include "common/model/lease.h"
#include "common/net/bulk.h"
#include "common/net/context.h"
#include "common/net/dealer.h"
#include "common/net/reactor.h"
#include "common/net/router.h"
#include "common/wire/codec.h"
#include "common/wire/messages.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/worker/server/tree.h"

namespace kiln::worker {

struct StartedWorker {
  pid_t pid = 0;
  NodeInfo node;
  Occupancy occupancy;                      // as last reported
  bool left = false;                        // said goodbye, or the connection closed
  std::map<std::string, PoolOnNode> pools;  // as last reported
  std::vector<PoolDefinition> definitions;  // the last that were told
  std::uint64_t reports_to = 0;             // the epoch of the last PoolReport
};

// The coordinator, and what every agent of the test stands on.
class TestFarm {
 public:
  TestFarm();
  ~TestFarm();  // kills the workers

  // Starts a worker and waits until it has registered. A name used before keeps its store.
  StartedWorker& start(const std::string& name, int slots = 1,
                       const std::vector<std::string>& flags = {});
  StartedWorker& worker(const std::string& name) { return workers_.at(name); }
  Lease lease(const std::string& worker, std::uint32_t tasks = 32,
              const std::string& pool = kDefaultPool);
  // Wishes of pools, as a coordinator sends them when they change.
  void order(const std::string& worker, const std::vector<PoolOrder>& orders);
  // As another process at the same address, with another epoch and secret.
  void restart_coordinator();
  void signal(const std::string& worker, int number);
  // The exit status, as waitpid gives it; -1 when it did not end in time.
  int wait_for_end(const std::string& worker);

  // Turns the reactor until `condition`; false after a minute.
  bool until(const std::function<bool()>& condition);

  std::unique_ptr<net::Reactor> reactor;
  net::Context context;
  test_support::TemporaryDirectory directory;
  std::string secret = "the farm's secret";
  std::uint64_t epoch = 77;  // the coordinator's

 private:
  void bind(const std::string& address);
  void receive(const net::PeerId& peer, wire::Frames frames);

  std::unique_ptr<net::Router> coordinator_;
  std::map<std::string, StartedWorker> workers_;
  std::map<net::PeerId, std::string> names_;
  std::uint64_t last_lease_ = 0;
};

// One agent's connection to one worker.
class TestAgent {
 public:
  enum class Answer { none, supply, bulk, missing };  // to NEED

  TestAgent(TestFarm& farm, const std::string& worker);
  ~TestAgent();

  // A task of the shell in /build, with the toolchain and inputs of `blobs`.
  wire::Run make_run(const std::string& script);
  void send(const wire::Message& message, wire::Frames raw = {});
  void send_frames(wire::Frames frames);
  // With all blobs inline, as to a worker that has nothing.
  void send_with_blobs(wire::Run run);
  // With all but the large ones, of 4 MB and more.
  void send_without_large_blobs(wire::Run run);
  void run_inline(const std::string& script) { send_with_blobs(make_run(script)); }

  // The next message of this kind, dropping others; a failed test and a default when none comes.
  template <typename Kind>
  Kind expect() {
    std::optional<Kind> found;
    const bool came = farm_.until([&] {
      while (!found && !received.empty()) {
        if (auto* kind = std::get_if<Kind>(&received.front().message)) {
          found = std::move(*kind);
          raw = std::move(received.front().raw);
        }
        received.pop_front();
      }
      return found.has_value();
    });
    EXPECT_TRUE(came) << "the message did not come";
    return found.value_or(Kind{});
  }
  // The result of the attempt made last, acknowledged.
  wire::RunResult finish();
  // A blob of the worker's, over the bulk socket.
  std::string fetch(const Digest& digest);
  // What the raw frames of the last result hold.
  std::string standard_output(const wire::RunResult& result) const;

  Answer answer = Answer::supply;
  bool uploads_fail = false;  // expected of those on the bulk socket
  Tree toolchain = shell_toolchain();
  Tree inputs;
  Blobs blobs;  // what NEED is answered from
  Lease lease;
  AttemptId last_attempt;
  std::deque<wire::Envelope> received;
  std::vector<Digest> needed;  // all that was asked for
  wire::Frames raw;            // of the message that expect() returned
  int connections = 0;

 private:
  class Source;
  class Sink;
  void need(const wire::Need& message);

  TestFarm& farm_;
  ThreadPool pool_{1};
  std::unique_ptr<Source> source_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<net::Dealer> dealer_;
  std::unique_ptr<net::BulkClient> bulk_;
};

}  // namespace kiln::worker
