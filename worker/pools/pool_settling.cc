// The half of PoolExecutors that compares what there is with what there should be.
#include <algorithm>

#include "worker/pools/pool_executors.h"

namespace kiln::worker {

// Executors that should be there without anybody asking again.
std::uint32_t PoolExecutors::wanted() const {
  if (!settings_.present || given_up() || !settings_.refusal.empty()) return 0;
  const auto kept = quiesced_ ? 0 : std::max(settings_.keep_ready, warm_target_);
  return std::min(settings_.capacity, std::max(demand_, kept));
}

// Executors beyond which those without a task go.
std::uint32_t PoolExecutors::ceiling() const {
  if (!settings_.present) return 0;
  return quiesced_ ? wanted() : settings_.capacity;
}

Place* PoolExecutors::surplus() {
  constexpr PlaceState kCheapestFirst[] = {PlaceState::waiting_restart,
                                           PlaceState::waiting_template, PlaceState::starting,
                                           PlaceState::initialising, PlaceState::ready};
  for (const auto state : kCheapestFirst) {
    const auto last = std::find_if(places_.rbegin(), places_.rend(),
                                   [state](const Place& p) { return p.state == state; });
    if (last != places_.rend()) return &*last;
  }
  return nullptr;
}

Place* PoolExecutors::free_place() {
  const auto empty = std::find_if(places_.begin(), places_.end(), [](const Place& place) {
    return place.state == PlaceState::empty;
  });
  if (empty != places_.end()) return &*empty;
  if (places_.size() >= settings_.capacity) return nullptr;
  places_.emplace_back().id = next_place_++;
  return &places_.back();
}

void PoolExecutors::stop(Place& place, PoolActions& out) {
  place.restart_at.reset();
  place.broken = false;
  if (place.state == PlaceState::waiting_restart || place.state == PlaceState::waiting_template) {
    place.state = PlaceState::empty;
    place.outdated = false;
    return;
  }
  place.state = PlaceState::stopping;
  out.emplace_back(StopExecutor{place.id});
}

void PoolExecutors::shrink_to(std::uint32_t count, PoolActions& out) {
  while (up() > count) {
    Place* place = surplus();
    if (place == nullptr) return;
    stop(*place, out);
  }
}

void PoolExecutors::stop_outdated_and_hopeless(PoolActions& out) {
  const bool hopeless = given_up() || !settings_.refusal.empty();
  for (auto& place : places_) {
    if (!place.up() || place.state == PlaceState::busy) continue;
    if (place.outdated || (hopeless && !place.serves())) stop(place, out);
  }
}

void PoolExecutors::settle(TimePoint now, PoolActions& out) {
  stop_outdated_and_hopeless(out);
  shrink_to(ceiling(), out);
  while (up() < wanted()) {
    Place* place = free_place();
    if (place == nullptr) break;
    if (up() == 0) start_ = initialise_ = {};
    begin(*place, now, out);
  }
  settle_template(now, out);
  // A pool made smaller gives up places as they become empty.
  for (auto at = places_.begin(); at != places_.end();) {
    const bool over = places_.size() > settings_.capacity && at->state == PlaceState::empty;
    at = over ? places_.erase(at) : at + 1;
  }
  out.emplace_back(PoolChanged{name_});
}

void PoolExecutors::begin(Place& place, TimePoint now, PoolActions& out) {
  place.outdated = false;
  place.restart_at.reset();
  if (!forks()) return create(place, now, out);
  place.state = PlaceState::waiting_template;  // settle_template goes on
}

void PoolExecutors::create(Place& place, TimePoint now, PoolActions& out) {
  place.state = PlaceState::starting;
  place.since = now;
  place.forked = forks();
  out.emplace_back(CreateExecutor{name_, place.id, forks()});
}

void PoolExecutors::settle_template(TimePoint now, PoolActions& out) {
  const bool has_executors = std::any_of(places_.begin(), places_.end(), [](const Place& place) {
    return place.occupied() && place.forked;
  });
  const bool idle = up() == 0 || !forks();
  if (template_.alive() && !has_executors && (idle || template_.outdated())) {
    out.emplace_back(StopTemplate{name_});
    template_.ended();
  } else if (!template_.alive() && idle) {
    template_.ended();
  }
  const bool awaited = std::any_of(places_.begin(), places_.end(), [](const Place& place) {
    return place.state == PlaceState::waiting_template;
  });
  if (!awaited || template_.outdated()) return;
  if (template_.state() == TemplateLife::State::none || template_.due(now)) {
    template_.begin();
    out.emplace_back(CreateTemplate{name_});
  }
  if (template_.state() == TemplateLife::State::ready) fork_waiting(now, out);
}

// While the initializer has not run in the template, one executor goes ahead and runs it.
void PoolExecutors::fork_waiting(TimePoint now, PoolActions& out) {
  const bool alone = settings_.initialises && !template_.initialised();
  for (auto& place : places_) {
    if (alone && std::any_of(places_.begin(), places_.end(), [](const Place& other) {
          return other.state == PlaceState::starting || other.state == PlaceState::initialising;
        })) {
      return;
    }
    if (place.state == PlaceState::waiting_template) create(place, now, out);
  }
}

}  // namespace kiln::worker
