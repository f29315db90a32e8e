// The tasks that the farm has run lately, by build: what a timeline is drawn of. Bounded by the
// number of builds and of jobs; the oldest jobs go first, and the builds that rest longest.
//
// A build is the tasks of one name. A name that rests for a minute and comes again is another run,
// as for `kiln trace`. Tasks whose agent names no build belong to none and are on their slot only.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/live/job_watch.h"
#include "coordinator/scheduling/types.h"

namespace kiln::coordinator {

using BuildNumber = std::uint64_t;  // 0: no build

struct LiveJob {
  std::uint64_t id = 0;       // ascending within a build
  std::uint64_t changed = 0;  // number of its last change, of all changes of all jobs
  AttemptId attempt;
  std::string label;
  std::string node;
  std::string pool;
  std::optional<std::uint32_t> slot;  // the row of its node on which it ran, from 0
  TaskPhase phase = TaskPhase::queued;
  bool went = false;  // its worker holds it no more
  bool lost = false;  // and was lost itself
  TimePoint accepted{};
  std::optional<TimePoint> started;
  std::optional<TimePoint> ended;  // its command; it may still be held
};

struct LiveBuild {
  BuildNumber number = 0;
  std::string name;
  std::set<std::string> clients;  // the first few
  std::uint64_t running = 0;
  std::uint64_t queued = 0;   // or staging
  std::uint64_t waiting = 0;  // slots that its requests still miss
  std::uint64_t done = 0;
  std::uint64_t dropped = 0;  // jobs that were forgotten
  std::uint64_t changed = 0;  // as of a job
  TimePoint begun{};
  TimePoint last{};  // something changed
  std::deque<LiveJob> jobs;

  bool rests() const { return running == 0 && queued == 0 && waiting == 0; }
};

class JobBook {
 public:
  struct Bounds {
    std::size_t builds = 64;
    std::size_t jobs_of_build = 20'000;
    std::size_t jobs = 100'000;  // of all builds
    Duration rest = seconds(60);
    Duration keep = std::chrono::minutes(30);  // a build after its last change
  };
  JobBook() : JobBook(Bounds{}) {}
  // Builds get the numbers after `number`.
  explicit JobBook(const Bounds& bounds, BuildNumber number = 0)
      : bounds_(bounds), last_build_(number) {}

  void apply(const JobChange& change);
  // What was not told: all tasks that are thought to be there went unseen.
  void end_all(TimePoint now);
  // The requests of builds by name, all of them: a build may wait before it has a first task. Where
  // every build that is known is busy or waits itself, others that only wait are left out.
  void note_waiting(const std::map<std::string, Waiting>& waiting, TimePoint now);
  // Forgets builds of long ago.
  void tidy(TimePoint now);

  // Of the last change; later ones have higher numbers.
  std::uint64_t changes() const { return changes_; }
  // By number, so that the newest is the last.
  const std::map<BuildNumber, LiveBuild>& builds() const { return builds_; }
  const LiveBuild* find(BuildNumber number) const;
  // Which build has each slot of the node; nullopt: none, the slot is free.
  const std::vector<std::optional<BuildNumber>>& slots(const std::string& node) const;
  // The build and slot of a task that is held now; nullptr: it is not known.
  struct Place {
    BuildNumber build = 0;
    std::optional<std::uint32_t> slot;
  };
  const Place* place_of(const AttemptId& attempt) const;
  // From acceptance to the end, of the commands that ended since the last call.
  std::vector<Duration> take_times();

 private:
  struct Held {
    Place place;
    std::uint64_t job = 0;  // id in the build
    std::string node;
    TaskPhase phase = TaskPhase::queued;
    TimePoint accepted{};
  };
  void came(const JobChange& change);
  void enter(Held& held, TaskPhase phase, TimePoint at);
  void leave_phase(const Held& held);
  void went(const AttemptId& attempt, TimePoint at, bool lost);
  // The newest of that name, or the next where it has rested for long.
  LiveBuild& build_for(const std::string& name, TimePoint at);
  std::map<BuildNumber, LiveBuild>::iterator longest_at_rest();  // there is a build
  LiveBuild* build_of(const Held& held);
  static LiveJob* job_of(LiveBuild& build, std::uint64_t id);
  void touch(LiveBuild& build, LiveJob* job, TimePoint at);
  void note_time(Duration time);
  void free_slot(Held& held);
  void drop_oldest_job(LiveBuild& build);
  LiveBuild& with_oldest_job();  // there is a job
  std::map<BuildNumber, LiveBuild>::iterator forget(
      std::map<BuildNumber, LiveBuild>::iterator entry);
  void make_room(BuildNumber keep);

  Bounds bounds_;
  std::uint64_t changes_ = 0;
  std::uint64_t last_job_ = 0;
  std::size_t jobs_ = 0;
  BuildNumber last_build_ = 0;
  std::map<BuildNumber, LiveBuild> builds_;
  std::map<std::string, BuildNumber> newest_;  // by name
  std::map<AttemptId, Held> held_;
  std::map<std::string, std::vector<std::optional<BuildNumber>>> slots_;  // by node
  std::vector<Duration> times_;
};

}  // namespace kiln::coordinator
