// One pool's executors, driven by hand.
#pragma once

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "worker/pools/pool_executors.h"

namespace kiln::worker {

class PoolConformance : public testing::Test {
 protected:
  PoolConformance() {
    settings_.present = true;
    settings_.version = 1;
    settings_.capacity = 4;
  }
  void configure() { pool_.configure(settings_, now_, out()); }
  void warm(std::uint32_t count) { pool_.warm(count, now_, out()); }
  void quiesce() { pool_.quiesce(now_, out()); }
  void task() { pool_.task_came(now_, out()); }
  void advance(Duration duration) {
    now_ += duration;
    pool_.tick(now_, out());
  }
  void end(PlaceId place, bool works = true) {
    pool_.release(place, works, now_);
    pool_.task_left(now_, out());
  }
  void fail_initialiser(PlaceId place) {
    pool_.initialised(place, {false, "step 1 exited with 3", "no licence", 3}, now_, out());
    pool_.executor_stopped(place, now_, more());
  }
  // The actions of the next call alone, or added to those of the last.
  PoolActions& out() {
    last_.clear();
    return last_;
  }
  PoolActions& more() { return last_; }
  template <typename Kind>
  std::vector<PlaceId> places() const {
    std::vector<PlaceId> found;
    for (const auto& action : last_) {
      if (const auto* kind = std::get_if<Kind>(&action)) found.push_back(kind->place);
    }
    return found;
  }
  template <typename Kind>
  int count() const {
    return static_cast<int>(std::count_if(last_.begin(), last_.end(), [](const auto& action) {
      return std::holds_alternative<Kind>(action);
    }));
  }
  // All that were asked for are ready.
  void make_ready() {
    for (const auto place : places<CreateExecutor>()) pool_.executor_ready(place, now_, more());
  }
  void make_stopped() {
    const auto stopped = places<StopExecutor>();
    for (const auto place : stopped) pool_.executor_stopped(place, now_, out());
  }
  PoolState state() const { return pool_.status().state; }

  PoolSettings settings_;
  PlaceId next_place_ = 10;
  PoolExecutors pool_{"a", PoolPolicy{}, next_place_};
  TimePoint now_ = TimePoint() + seconds(1000);
  PoolActions last_;
};

}  // namespace kiln::worker
