// The agent process of one user on one machine: takes calls from launchers, sends tasks to the
// farm, and ends when nobody has called for a while.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "client/agent/agent_metrics.h"
#include "client/agent/call_end.h"
#include "client/agent/call_server.h"
#include "client/agent/commands.h"
#include "client/agent/doctor.h"
#include "client/agent/farm_link.h"
#include "client/agent/history.h"
#include "client/agent/lease_desk.h"
#include "client/agent/local_runs.h"
#include "client/agent/log_parts.h"
#include "client/agent/pool_desk.h"
#include "client/agent/prepare.h"
#include "client/agent/probe_desk.h"
#include "client/agent/remote_call.h"
#include "client/agent/session_desk.h"
#include "client/agent/settings.h"
#include "client/agent/toolchain_desk.h"
#include "client/agent/upload_source.h"
#include "client/agent/worker_pool.h"
#include "client/paths/environment.h"
#include "client/paths/root_view.h"
#include "client/timeline/build_book.h"
#include "common/base/log.h"
#include "common/base/thread_pool.h"
#include "common/net/context.h"
#include "common/net/log_desk.h"
#include "common/net/reactor.h"
#include "common/store/blob_store.h"
#include "common/transfer/store_blobs.h"

namespace kiln::client {

class Agent {
 public:
  static Result<std::unique_ptr<Agent>> create(const Environment& environment);
  ~Agent();

  // Serves until a signal, `kiln agent stop` or idleness ends it.
  void run();

 private:
  friend class Commands;
  friend class Doctor;
  friend class PoolDesk;
  using ConnectionId = CallServer::ConnectionId;

  // One call, from its message to its answer.
  struct ActiveCall {
    std::uint64_t number = 0;  // in the log
    wire::Call call;
    CallSettings settings;
    Limits limits;  // those that the caller sets
    CallAnswer answer;
    TimePoint begun;
    std::string source;
    Duration listing{};
    TimePoint listing_begun{};
    TimePoint listing_ended{};
    BuildBook::RunId run = 0;
    std::unique_ptr<RemoteCall> remote;
    std::atomic<bool> dropped = false;  // nobody waits for it: not worth preparing any more
  };

  Agent(Environment environment, config::Settings settings, AgentSettings options,
        const Logger& log);
  Status open();
  Status open_spool();
  Status open_farm();
  void open_sessions();
  void open_metrics();
  void publish_metrics();
  void receive(ConnectionId connection, wire::Envelope envelope);
  void answer_command(ConnectionId connection, const wire::Command& command);
  void begin_launchers_call(ConnectionId connection, wire::Call call);
  void begin_session_call(CallId id, wire::Call call, const SessionWishes& wishes,
                          CallAnswer answer);
  std::shared_ptr<ActiveCall> add_call(CallId id, wire::Call call, CallAnswer answer);
  void enter_build(ActiveCall& call);
  void begin_call(CallId id, const std::shared_ptr<ActiveCall>& active);
  // False once it is answered or forgotten, or another has its place.
  bool is_active(CallId id, const std::shared_ptr<ActiveCall>& call) const;
  void prepared(CallId id, PrepareOutcome outcome);
  void run_remotely(CallId id, Prepared prepared);
  void call_ended(CallId id, UnitOutcome outcome, const std::vector<UnitTrace>& traces);
  void answer_locally(CallId id, const Local& local, bool is_fallback,
                      const std::vector<UnitTrace>& traces = {});
  void answer_failed(CallId id, CallEnd end);
  void end_call(CallId id, CallRecord::Ran ran, CallEnd end);
  BuildBook::JobId record(const ActiveCall& call, CallRecord::Ran ran, const CallEnd& end);
  void forget(CallId id);
  void connection_closed(ConnectionId connection);
  void check_idle();
  void begin_stop();
  void stop_when_done(TimePoint latest);

  Environment environment_;
  config::Settings settings_;
  AgentSettings options_;
  PartLogs logs_;
  std::string socket_;
  const RootView root_ = own_root_view();
  TimePoint started_;
  TimePoint last_call_;
  bool stopping_ = false;
  std::unique_ptr<net::Reactor> reactor_;
  std::unique_ptr<net::LogDesk> log_desk_;
  std::unique_ptr<net::Context> context_;
  std::unique_ptr<store::BlobStore> spool_;
  std::unique_ptr<transfer::StoreSink> sink_;
  UploadSource uploads_;
  std::unique_ptr<Preparer> preparer_;
  std::unique_ptr<ThreadPool> work_;  // asks compilers, reads and hashes inputs
  std::unique_ptr<ThreadPool> io_;    // payloads, transfers and outputs
  std::unique_ptr<FarmLink> farm_;
  std::unique_ptr<LeaseDesk> leases_;
  std::unique_ptr<WorkerPool> workers_;
  std::unique_ptr<FarmAccess> access_;
  std::unique_ptr<ProbeDesk> probes_;
  std::unique_ptr<ToolchainDesk> toolchains_;
  std::unique_ptr<LocalRuns> local_runs_;
  std::unique_ptr<CallServer> server_;
  std::map<CallId, std::shared_ptr<ActiveCall>> calls_;
  std::map<ConnectionId, std::shared_ptr<const void>> askers_;  // of commands without an answer
  std::unique_ptr<SessionDesk> sessions_;
  History history_{20'000};
  BuildBook builds_{20'000};
  std::unique_ptr<AgentMetrics> metrics_;  // nullptr: nobody asked for them
  Commands commands_{*this};
  Doctor doctor_{*this};
  PoolDesk pools_{*this};
};

}  // namespace kiln::client
