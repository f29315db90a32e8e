// The life of one pool's executors on one node: pure, with time as an input.
//
// How many there should be follows from four wishes: the tasks that wait (demand), what the
// coordinators want kept ready, what a warm wish asked for, and a quiesce wish, which wins over the
// last two until the next task or wish. After every event settle() compares that with what there is
// and asks for the difference, so that wishes may come in any order and at any time. A place whose
// executor is being stopped is used again only when that one is gone: who needs it meanwhile waits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/model/pool.h"
#include "worker/pools/place.h"
#include "worker/pools/pool_actions.h"
#include "worker/pools/pool_terms.h"
#include "worker/pools/staging_trouble.h"
#include "worker/pools/strikes.h"
#include "worker/pools/template_life.h"
#include "worker/pools/warm_counters.h"

namespace kiln::worker {

// When executors that fail are replaced, and when a pool or place counts as broken.
struct PoolPolicy {
  Duration restart_delay = milliseconds(100);  // doubled by each failure
  std::uint32_t strikes = 3;                   // failures in a row
  Duration first_rest = seconds(1);            // of a place that is broken, doubled by each failure
  Duration longest_rest = seconds(60);
  Duration staging_patience = seconds(60);  // of tries that fail, until no task waits for them
};

class PoolExecutors {
 public:
  struct Taken {
    PlaceId place = 0;
    TimePoint ready_since;
  };
  struct Counts {
    std::uint32_t starting = 0;
    std::uint32_t ready = 0;
    std::uint32_t busy = 0;
    std::uint32_t stopping = 0;
    std::uint32_t broken = 0;
  };

  // Takes the ids of its places from `next_place`, which must outlive it.
  PoolExecutors(std::string name, PoolPolicy policy, PlaceId& next_place);

  void configure(const PoolSettings& settings, TimePoint now, PoolActions& out);
  // Makes `count` executors ready, and tries again what is broken.
  void warm(std::uint32_t count, TimePoint now, PoolActions& out);
  void quiesce(TimePoint now, PoolActions& out);

  // A task of the pool was accepted, or has ended or gone. The first says whether it is the first
  // one after a start or wake.
  bool task_came(TimePoint now, PoolActions& out);
  void task_left(TimePoint now, PoolActions& out);
  // An executor for a task; nothing when none is ready.
  std::optional<Taken> take();
  // It may have the next one. `works`: the command itself decided how it ended.
  void release(PlaceId place, bool works, TimePoint now);

  // The server's reports. Those of places that expect none have no effect.
  void executor_ready(PlaceId place, TimePoint now, PoolActions& out);
  void initialised(PlaceId place, const InitialiserEnd& end, TimePoint now, PoolActions& out);
  // Toolchains that its executors need were not there when it was asked for; now they are, and it
  // is being made.
  void executor_begun(PlaceId place, TimePoint now);
  // They could not be staged, and it is tried again; or they are there after all. None of that is
  // an initializer's strike. `lasting`: waiting for other nodes alone will not mend it.
  void staging_failed(const std::string& reason, bool lasting, TimePoint now, PoolActions& out);
  void staged(TimePoint now, PoolActions& out);
  // It died, or could not be made.
  void executor_lost(PlaceId place, const std::string& reason, TimePoint now, PoolActions& out);
  void executor_stopped(PlaceId place, TimePoint now, PoolActions& out);
  void template_ready(TimePoint now, PoolActions& out);
  void template_lost(const std::string& reason, TimePoint now, PoolActions& out);

  void tick(TimePoint now, PoolActions& out);
  std::optional<TimePoint> next_deadline() const;

  bool owns(PlaceId place) const;
  const PoolSettings& settings() const { return settings_; }
  std::uint32_t demand() const { return demand_; }
  Counts counts() const;
  bool all_broken() const;
  // No task of it can run here.
  bool broken() const;
  const std::string& reason() const;
  // Not wanted here any more, and nothing is left of it.
  bool gone() const;
  WarmCounters& counters() { return counters_; }
  // But for what the server knows alone: queued, staged, stage_us, context, fallback.
  PoolOnNode status() const;

 private:
  bool forks() const { return settings_.recipe.context == PoolContext::fork; }
  bool given_up() const;
  std::uint32_t up() const;
  std::uint32_t wanted() const;
  std::uint32_t ceiling() const;
  Place* find(PlaceId place);
  Place* free_place();
  // Where it costs least to stop somebody; nullptr when all are busy.
  Place* surplus();
  void settle(TimePoint now, PoolActions& out);
  void shrink_to(std::uint32_t count, PoolActions& out);
  void stop(Place& place, PoolActions& out);
  void stop_outdated_and_hopeless(PoolActions& out);
  void begin(Place& place, TimePoint now, PoolActions& out);
  void create(Place& place, TimePoint now, PoolActions& out);
  void settle_template(TimePoint now, PoolActions& out);
  void fork_waiting(TimePoint now, PoolActions& out);
  // `slowest`: of the steps of its kind since the last warm-up began.
  void took(WarmStep step, Duration& slowest, Duration time, PoolActions& out);
  void became_ready(Place& place, TimePoint now);
  void rest_if_idle(TimePoint now, PoolActions& out);
  std::optional<TimePoint> idle_deadline() const;
  void wake();
  void forgive();

  const std::string name_;
  const PoolPolicy policy_;
  PlaceId& next_place_;
  PoolSettings settings_;
  std::vector<Place> places_;
  TemplateLife template_;
  WarmCounters counters_;
  std::uint32_t demand_ = 0;       // accepted tasks that have not ended
  std::uint32_t warm_target_ = 0;  // of the last warm wish, until the pool rests
  bool quiesced_ = false;          // by a wish
  bool rested_ = false;            // by the idle time; or by a wish, until it is woken
  Strikes strikes_;
  StagingTrouble staging_;
  InitialiserEnd failure_;  // the last one
  std::string log_;         // the end of what the initializer wrote last, however it ended
  TimePoint idle_since_;
  Duration start_{};  // the slowest of the last warm-up
  Duration initialise_{};
};

}  // namespace kiln::worker
