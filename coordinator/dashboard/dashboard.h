// What the live page asks for: the farm as it is, and what it did lately, as JSON. docs/http.md
// is the contract.
//
// Thread-safe. Nothing is made into text but what somebody asks for, and then once for all who ask
// between two looks at the farm.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/metrics/http_server.h"
#include "coordinator/live/farm_events.h"
#include "coordinator/live/job_book.h"
#include "coordinator/live/job_watch.h"
#include "coordinator/live/series.h"
#include "coordinator/live/snapshot.h"

namespace kiln::coordinator {

// A look at the farm, and what happened since the look before.
struct Look {
  std::shared_ptr<const FarmSnapshot> farm;
  std::vector<JobChange> changes;
  bool missed_changes = false;  // there were more than could be kept: `changes` begin anew
  std::vector<WorkerLost> losses;
  std::int64_t unix_ms = 0;  // the wall clock's, of `farm->taken`
};

class Dashboard {
 public:
  // `epoch`: of this coordinator; `started`: when it began.
  Dashboard(std::uint64_t epoch, std::string version, TimePoint started);
  ~Dashboard();

  // Takes what has happened; about once a second.
  void look(Look look);

  // The pages of their names below /api/v1; `query` is the URL's, without '?'.
  metrics::HttpReply live(const std::string& query);
  metrics::HttpReply tasks(const std::string& query) const;
  metrics::HttpReply timeline(const std::string& query) const;

 private:
  struct Encoded;
  void encode();
  std::int64_t wall(TimePoint time) const;

  mutable std::mutex mutex_;
  std::string epoch_;
  std::string version_;
  TimePoint started_;
  std::shared_ptr<const FarmSnapshot> farm_;
  std::int64_t unix_ms_ = 0;
  std::uint64_t looks_ = 0;  // the number of the last one
  std::uint64_t first_look_ = 0;
  JobBook book_;
  FarmEvents events_;
  Series series_;
  std::unique_ptr<Encoded> encoded_;
};

}  // namespace kiln::coordinator
