// One task on its way through the farm: lease, worker, inputs, result, outputs; again on another
// node when the farm fails.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/agent/lease_desk.h"
#include "client/agent/log_parts.h"
#include "client/agent/output_writer.h"
#include "client/agent/payload.h"
#include "client/agent/prepare.h"
#include "client/agent/settings.h"
#include "client/agent/upload_source.h"
#include "client/agent/worker_pool.h"
#include "client/policy/garble_count.h"
#include "client/policy/retry.h"
#include "client/timeline/call_record.h"
#include "common/base/thread_pool.h"
#include "common/net/reactor.h"
#include "common/store/blob_store.h"

namespace kiln::client {

// What every unit works with; the agent owns it all.
struct FarmAccess {
  net::Reactor& reactor;
  ThreadPool& io;
  LeaseDesk& leases;
  WorkerPool& workers;
  UploadSource& uploads;
  store::BlobStore& spool;
  PartLogs logs;
  std::uint64_t client_epoch = 0;
  std::uint64_t last_attempt = 0;
  std::string default_build;
  std::string client = {};  // whose agent it is, for people: user@host
};

struct UnitOutcome {
  Step::Kind kind = Step::Kind::done;  // done, locally or fail
  std::string reason;                  // stable word, when not done
  std::string detail;                  // for people
  int exit_code = 0;
  int signal = 0;
  std::string out;  // when done; also what a task wrote before it was killed at a limit
  std::string err;
  std::vector<std::string> missing_outputs = {};  // when done: declared, but not written
  UnitTrace trace;
};

class RemoteUnit : private AttemptEvents {
 public:
  using Done = std::function<void(UnitOutcome)>;

  // `farm` outlives the unit. Use it on the reactor's thread only.
  RemoteUnit(FarmAccess& farm, std::shared_ptr<const PreparedUnit> unit,
             const CallSettings& settings);
  // Cancels what is under way.
  ~RemoteUnit() override;
  RemoteUnit(const RemoteUnit&) = delete;
  RemoteUnit& operator=(const RemoteUnit&) = delete;

  // `done` is called once, never from within; it may destroy the unit.
  void start(Done done);

 private:
  // How soon is sent again what had no room in the connection's queue.
  static constexpr Duration kSendAgain = milliseconds(50);

  void acquire();
  void leased(Result<HeldLease> lease);
  void send_run();
  void run_packed(const std::shared_ptr<const Parcel>& parcel);
  void watch();
  void ask_again();
  void worker_ready() override;
  void worker_lost(const std::string& why) override;
  void worker_message(wire::Envelope envelope) override;
  void result_garbled(const std::string& why) override;
  void message_garbled(const std::string& why) override;
  void held(const wire::Accepted& message);
  void busy(const wire::Busy& message);
  void need(const wire::Need& message);
  void supply_next();
  void supply(const std::shared_ptr<Delivery>& delivery);
  void upload(const InputFile& file);
  void upload_failed(const Digest& digest, const Error& error);
  void result(wire::RunResult message, wire::Frames raw);
  void ended_otherwise(wire::RunResult message, wire::Frames raw);
  void result_is_invalid(const std::string& why);
  void fetch_outputs(std::vector<Digest> wanted);
  void write();
  void written(const Status& status, const Result<Streams>& streams, const std::string& doubt);
  void tell(const wire::Message& message);
  void attempt_over();
  void note_end(std::vector<AttemptTrace>& where, const std::string& outcome);
  void end_attempt(AttemptEnd end, Outcome outcome, const std::string& detail,
                   const std::string& doubt = {});
  void log_end(const AttemptId& attempt, AttemptEnd end, const Step& step,
               const std::string& detail);
  void finish(const Step& step, const std::string& detail);
  // Runs `fn` on the reactor if the unit still lives then and is in the same attempt.
  const std::string& build() const;
  std::function<void()> guarded(std::function<void()> fn);

  FarmAccess& farm_;
  std::shared_ptr<const PreparedUnit> unit_;
  CallSettings settings_;
  RetryPolicy retry_;
  CallHistory history_;
  std::string earlier_;  // the failure that was before this attempt, for people
  Streams kept_;         // of a task that was killed
  Done done_;
  UnitTrace trace_;
  std::shared_ptr<RemoteUnit*> self_;  // null once the unit is gone
  // False once the unit is gone; pool threads look at it.
  std::shared_ptr<std::atomic<bool>> wanted_ = std::make_shared<std::atomic<bool>>(true);

  // The attempt under way.
  AttemptTrace times_;
  LeaseDesk::Ticket ticket_ = 0;
  std::optional<HeldLease> lease_;
  AttemptId attempt_;
  WorkerLink* link_ = nullptr;
  bool packing_ = false;
  bool run_sent_ = false;
  bool accepted_ = false;
  bool writing_ = false;  // all that the worker had to give is here
  int unanswered_ = 0;    // questions in a row
  GarbleCount garbled_;   // messages about it
  bool supplying_ = false;
  std::set<Digest> needed_;     // by the worker, not yet looked after
  std::set<Digest> uploading_;  // on the bulk socket
  int uploads_failed_ = 0;
  net::TimerId timer_ = 0;
  TimePoint phase_began_;
  std::optional<TimePoint> queued_since_;  // as far as the worker's answers tell
  std::shared_ptr<wire::RunResult> result_;
  std::shared_ptr<wire::Frames> raw_;
};

}  // namespace kiln::client
