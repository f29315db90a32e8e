// Which calls belong to which build, and which of them are remembered: pure.
//
// A build is the calls of one name (KILN_BUILD). A name that rests for a minute and comes again is
// a new run: whoever names nothing calls every build of the day the same.
//
// Bounded by the number of calls in all; the build that began first goes first, as a whole, as long
// as nothing of it is under way. A single build that is larger loses its own oldest calls. A call
// takes about 0.8 KiB (its names, and 0.2 KiB an attempt), shared with the agent's history of files
// as long as that has it too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/timeline/call_record.h"
#include "common/base/result.h"

namespace kiln::client {

struct Job {
  std::shared_ptr<const CallRecord> record;
  TimePoint here_ended{};  // the epoch: it did not run here, or that is not known
};

// What a line of `kiln trace --list` says. The numbers are of all calls, also of forgotten ones.
struct BuildSummary {
  std::string name;  // by which it is found again
  std::uint64_t remote = 0;
  std::uint64_t local = 0;     // of a kind that runs here
  std::uint64_t fallback = 0;  // should have run remotely
  std::uint64_t failed = 0;
  std::uint64_t forgotten = 0;
  std::uint64_t active = 0;  // under way now
  std::int64_t when = 0;     // it began, seconds since the Unix epoch
  TimePoint begun{};
  TimePoint ended{};  // so far
  std::uint64_t jobs() const { return remote + local + fallback + failed; }
};

struct BuildTimeline {
  BuildSummary summary;
  std::vector<Job> jobs;  // in the order in which they ended
};

class BuildBook {
 public:
  static constexpr Duration kRest = seconds(60);
  using RunId = std::uint64_t;
  struct JobId {
    RunId run = 0;
    std::uint64_t number = 0;
  };

  explicit BuildBook(std::size_t capacity) : capacity_(capacity) {}

  // A call of the build begins. Each is followed by one `add` or `leave`.
  RunId enter(const std::string& build, TimePoint now);
  // It ended, at record->ended.
  JobId add(RunId run, std::shared_ptr<const CallRecord> record);
  // It was given up: nobody waited for it any more.
  void leave(RunId run, TimePoint now);
  // The caller has run it here. Of one that is forgotten: nothing.
  void here_ended(JobId job, TimePoint now);

  // The one that began last is the last. Those of which nothing ended yet are not in it.
  std::vector<BuildSummary> list() const;
  // The build of that name, the last run of it where no run is named; empty: the one that something
  // was heard of last. Errc::not_found names those that there are.
  Result<BuildTimeline> find(const std::string& name) const;

 private:
  struct Run {
    std::string build;
    std::uint64_t number = 1;  // among those of its name
    BuildSummary summary;
    TimePoint last;  // something began or ended
    std::deque<Job> jobs;
  };
  struct Name {
    RunId newest = 0;
    std::uint64_t count = 0;  // of runs, ever
    std::uint64_t kept = 0;
  };
  std::string title_of(const Run& run) const;
  void remove(RunId run);
  void make_room(RunId keep);
  std::string names() const;

  std::size_t capacity_;
  std::size_t jobs_ = 0;
  RunId last_run_ = 0;
  std::map<RunId, Run> runs_;
  std::map<std::string, Name> names_;
};

}  // namespace kiln::client
