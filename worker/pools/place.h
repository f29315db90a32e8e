// A seat for one executor after the other, and the state of who sits there: pure.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/time.h"
#include "worker/pools/pool_actions.h"

namespace kiln::worker {

enum class PlaceState : std::uint8_t {
  empty,
  waiting_template,  // for what its executor is forked from
  starting,
  initialising,
  ready,
  busy,
  stopping,
  waiting_restart,  // after a failure
};

struct Place {
  PlaceId id = 0;
  PlaceState state = PlaceState::empty;
  std::uint32_t failures = 0;           // of its executors, in a row
  bool broken = false;                  // so many that it counts as such until one is ready
  bool outdated = false;                // its executor was made for another definition
  bool forked = false;                  // from the pool's template
  std::optional<TimePoint> restart_at;  // waiting for a restart, or stopping before it
  TimePoint since;                      // of starting or initialising
  TimePoint ready_since;

  // It has an executor, or will have one without anybody asking again.
  bool up() const { return state != PlaceState::empty && state != PlaceState::stopping; }
  // An executor, whatever becomes of it.
  bool occupied() const {
    return state == PlaceState::starting || state == PlaceState::initialising || serves() ||
           state == PlaceState::stopping;
  }
  bool serves() const { return state == PlaceState::ready || state == PlaceState::busy; }
  bool comes() const {
    return state == PlaceState::waiting_template || state == PlaceState::starting ||
           state == PlaceState::initialising;
  }
};

}  // namespace kiln::worker
