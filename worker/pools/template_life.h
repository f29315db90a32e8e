// The life of the process that a pool's executors are forked from: pure.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/time.h"
#include "worker/pools/backoff.h"

namespace kiln::worker {

class TemplateLife {
 public:
  enum class State : std::uint8_t { none, waiting, starting, ready };

  State state() const { return state_; }
  std::uint32_t deaths() const { return deaths_; }  // in a row, without a task's success
  // The initializer has run in it: what is forked from it needs none.
  bool initialised() const { return initialised_; }
  void set_initialised() { initialised_ = true; }

  // Made for a definition that is no longer in force: nothing more is forked from it.
  bool outdated() const { return outdated_; }
  void definition_changed() {
    if (!alive()) return ended();
    outdated_ = true;
  }
  bool alive() const { return state_ == State::starting || state_ == State::ready; }

  void begin() {
    ended();
    state_ = State::starting;
  }
  void ready() { state_ = State::ready; }
  void ended() {
    state_ = State::none;
    initialised_ = outdated_ = false;
    restart_at_.reset();
  }
  void died(TimePoint now, Duration restart_delay) {
    ended();
    state_ = State::waiting;
    restart_at_ = now + restart_delay * (1U << std::min(deaths_, 20U));
    ++deaths_;
  }
  void forgive() { deaths_ = 0; }
  bool due(TimePoint now) const { return restart_at_ && now >= *restart_at_; }
  std::optional<TimePoint> restart_at() const { return restart_at_; }

 private:
  State state_ = State::none;
  bool initialised_ = false;
  bool outdated_ = false;
  std::uint32_t deaths_ = 0;
  std::optional<TimePoint> restart_at_;  // while waiting
};

}  // namespace kiln::worker
