#include "worker/pools/pool_executors.h"

#include <algorithm>
#include <utility>

namespace kiln::worker {

PoolExecutors::PoolExecutors(std::string name, PoolPolicy policy, PlaceId& next_place)
    : name_(std::move(name)), policy_(policy), next_place_(next_place) {}

void PoolExecutors::configure(const PoolSettings& settings, TimePoint now, PoolActions& out) {
  if (settings.recipe != settings_.recipe) {
    for (auto& place : places_) {
      place.outdated = place.occupied();
      // Begun anew, by the other context perhaps.
      if (place.state == PlaceState::waiting_template) place.state = PlaceState::empty;
    }
    template_.definition_changed();
    log_.clear();
    forgive();
  }
  if (settings.recipe.toolchains != settings_.recipe.toolchains) staging_.over();
  settings_ = settings;
  if (!settings_.present) {
    warm_target_ = 0;
    quiesced_ = rested_ = false;
    forgive();
  }
  settle(now, out);
}

void PoolExecutors::warm(std::uint32_t count, TimePoint now, PoolActions& out) {
  warm_target_ = count;
  idle_since_ = now;
  forgive();
  for (auto& place : places_) {
    place.failures = 0;
    if (place.state == PlaceState::waiting_restart) place.restart_at = now;
  }
  wake();
  tick(now, out);
}

void PoolExecutors::quiesce(TimePoint now, PoolActions& out) {
  warm_target_ = 0;
  if (!std::exchange(quiesced_, true) && up() > 0) counters_.quiesced();
  rested_ = true;
  settle(now, out);
}

void PoolExecutors::wake() {
  quiesced_ = false;
  if (std::exchange(rested_, false)) counters_.woke();
}

void PoolExecutors::forgive() {
  strikes_.forgive();
  template_.forgive();
  failure_ = {};
}

bool PoolExecutors::task_came(TimePoint now, PoolActions& out) {
  ++demand_;
  wake();
  const bool first = counters_.task_came();
  settle(now, out);
  return first;
}

void PoolExecutors::task_left(TimePoint now, PoolActions& out) {
  --demand_;
  idle_since_ = now;
  settle(now, out);
}

std::optional<PoolExecutors::Taken> PoolExecutors::take() {
  const auto found = std::find_if(places_.begin(), places_.end(), [](const Place& place) {
    return place.state == PlaceState::ready && !place.outdated;
  });
  if (found == places_.end()) return std::nullopt;
  found->state = PlaceState::busy;
  return Taken{found->id, found->ready_since};
}

void PoolExecutors::release(PlaceId id, bool works, TimePoint now) {
  Place* place = find(id);
  if (place == nullptr || place->state != PlaceState::busy) return;
  place->state = PlaceState::ready;
  idle_since_ = now;
  if (!works) return;
  place->failures = 0;
  template_.forgive();
}

void PoolExecutors::took(WarmStep step, Duration& slowest, Duration time, PoolActions& out) {
  slowest = std::max(slowest, time);
  out.emplace_back(WarmStepTook{name_, step, time});
}

void PoolExecutors::became_ready(Place& place, TimePoint now) {
  place.state = PlaceState::ready;
  place.broken = false;
  place.ready_since = now;
  idle_since_ = now;
}

void PoolExecutors::executor_ready(PlaceId id, TimePoint now, PoolActions& out) {
  Place* place = find(id);
  if (place == nullptr || place->state != PlaceState::starting) return;
  took(WarmStep::start, start_, now - place->since, out);
  // A template of an earlier definition may still live, for an executor that has a task.
  const bool inherited = place->forked && template_.initialised() && !template_.outdated();
  if (settings_.initialises && !inherited) {
    place->state = PlaceState::initialising;
    place->since = now;
    out.emplace_back(InitialiseExecutor{name_, id});
  } else {
    became_ready(*place, now);
  }
  settle(now, out);
}

void PoolExecutors::initialised(PlaceId id, const InitialiserEnd& end, TimePoint now,
                                PoolActions& out) {
  Place* place = find(id);
  if (place == nullptr || place->state != PlaceState::initialising) return;
  log_ = end.output;
  if (end.succeeded) {
    took(WarmStep::initialise, initialise_, now - place->since, out);
    strikes_.forgive();
    failure_ = {};
    if (forks()) template_.set_initialised();
    became_ready(*place, now);
  } else {
    failure_ = end;
    strikes_.failed(place->since, now);
    place->restart_at =
        now + doubled(policy_.restart_delay, strikes_.count() - 1, policy_.longest_rest);
    place->state = PlaceState::stopping;
    out.emplace_back(StopExecutor{id});
  }
  settle(now, out);
}

void PoolExecutors::executor_begun(PlaceId id, TimePoint now) {
  Place* place = find(id);
  if (place != nullptr && place->state == PlaceState::starting) place->since = now;
}

void PoolExecutors::staging_failed(const std::string& reason, bool lasting, TimePoint now,
                                   PoolActions& out) {
  staging_.failed(reason, lasting, now);
  settle(now, out);
}

void PoolExecutors::staged(TimePoint now, PoolActions& out) {
  staging_.over();
  settle(now, out);
}

void PoolExecutors::executor_lost(PlaceId id, const std::string& reason, TimePoint now,
                                  PoolActions& out) {
  Place* place = find(id);
  if (place == nullptr || place->state == PlaceState::empty) return;
  if (place->state == PlaceState::stopping) return executor_stopped(id, now, out);
  counters_.crashed();
  failure_ = {false, reason, "", 0};
  place->outdated = false;
  place->state = PlaceState::waiting_restart;
  ++place->failures;
  if (place->failures >= policy_.strikes) {
    place->broken = true;
    place->restart_at =
        now + doubled(policy_.first_rest, place->failures - policy_.strikes, policy_.longest_rest);
  } else {
    place->restart_at = now + doubled(policy_.restart_delay, place->failures - 1,  //
                                      policy_.longest_rest);
  }
  settle(now, out);
}

void PoolExecutors::executor_stopped(PlaceId id, TimePoint now, PoolActions& out) {
  Place* place = find(id);
  if (place == nullptr || place->state != PlaceState::stopping) return;
  place->outdated = false;
  place->state = place->restart_at ? PlaceState::waiting_restart : PlaceState::empty;
  settle(now, out);
}

void PoolExecutors::template_ready(TimePoint now, PoolActions& out) {
  if (template_.state() != TemplateLife::State::starting) return;
  template_.ready();
  settle(now, out);
}

void PoolExecutors::template_lost(const std::string& reason, TimePoint now, PoolActions& out) {
  if (template_.state() == TemplateLife::State::none) return;
  counters_.crashed();
  failure_ = {false, reason, "", 0};
  template_.died(now, policy_.restart_delay);
  settle(now, out);
}

void PoolExecutors::tick(TimePoint now, PoolActions& out) {
  for (auto& place : places_) {
    const bool due = place.state == PlaceState::waiting_restart && now >= *place.restart_at;
    if (!due) continue;
    place.restart_at.reset();
    if (!given_up()) begin(place, now, out);
  }
  rest_if_idle(now, out);
  settle(now, out);
}

void PoolExecutors::rest_if_idle(TimePoint now, PoolActions& out) {
  const auto deadline = idle_deadline();
  if (!deadline || now < *deadline) return;
  warm_target_ = 0;
  rested_ = true;
  counters_.quiesced();
  shrink_to(settings_.keep_ready, out);
}

std::optional<TimePoint> PoolExecutors::idle_deadline() const {
  if (settings_.idle <= Duration::zero() || demand_ > 0 || up() <= settings_.keep_ready) {
    return std::nullopt;
  }
  if (std::any_of(places_.begin(), places_.end(), [](const Place& p) { return p.comes(); })) {
    return std::nullopt;
  }
  return idle_since_ + settings_.idle;
}

std::optional<TimePoint> PoolExecutors::next_deadline() const {
  auto next = idle_deadline();
  const auto consider = [&next](TimePoint at) { next = next ? std::min(*next, at) : at; };
  for (const auto& place : places_) {
    if (place.state == PlaceState::waiting_restart) consider(*place.restart_at);
  }
  // It is made when somebody waits for it.
  const bool awaited = std::any_of(places_.begin(), places_.end(), [](const Place& place) {
    return place.state == PlaceState::waiting_template;
  });
  if (const auto restart = template_.restart_at(); restart && awaited && !given_up())
    consider(*restart);
  return next;
}

// ---- How it stands ------------------------------------------------------------------------------

Place* PoolExecutors::find(PlaceId id) {
  const auto found = std::find_if(places_.begin(), places_.end(),
                                  [id](const Place& place) { return place.id == id; });
  return found == places_.end() ? nullptr : &*found;
}

bool PoolExecutors::owns(PlaceId id) const {
  return std::any_of(places_.begin(), places_.end(),
                     [id](const Place& place) { return place.id == id; });
}

std::uint32_t PoolExecutors::up() const {
  return static_cast<std::uint32_t>(
      std::count_if(places_.begin(), places_.end(), [](const Place& p) { return p.up(); }));
}

PoolExecutors::Counts PoolExecutors::counts() const {
  Counts counts;
  for (const auto& place : places_) {
    if (place.broken && place.up()) ++counts.broken;
    if (place.state == PlaceState::ready) ++counts.ready;
    if (place.state == PlaceState::busy) ++counts.busy;
    if (place.state == PlaceState::stopping) ++counts.stopping;
    if (place.comes() && !place.broken) ++counts.starting;
  }
  return counts;
}

bool PoolExecutors::given_up() const {
  return strikes_.count() >= policy_.strikes || template_.deaths() >= policy_.strikes;
}

bool PoolExecutors::all_broken() const {
  const auto standing = up();
  return standing > 0 && counts().broken == standing;
}

bool PoolExecutors::broken() const {
  if (!settings_.present) return false;
  const bool serves =
      std::any_of(places_.begin(), places_.end(), [](const Place& p) { return p.serves(); });
  const bool hopeless = given_up() || staging_.lasts(policy_.staging_patience);
  return !settings_.refusal.empty() || all_broken() || (hopeless && !serves);
}

const std::string& PoolExecutors::reason() const {
  if (!settings_.refusal.empty()) return settings_.refusal;
  return given_up() || staging_.reason().empty() ? failure_.reason : staging_.reason();
}

bool PoolExecutors::gone() const {
  return !settings_.present && demand_ == 0 && template_.state() == TemplateLife::State::none &&
         std::all_of(places_.begin(), places_.end(),
                     [](const Place& place) { return place.state == PlaceState::empty; });
}

PoolOnNode PoolExecutors::status() const {
  PoolOnNode pool;
  const Counts now = counts();
  pool.name = name_;
  pool.version = settings_.version;
  pool.context = settings_.recipe.context;
  pool.executors = settings_.present ? settings_.capacity : 0;
  pool.starting = now.starting;
  pool.ready = now.ready;
  pool.busy = now.busy;
  pool.broken = now.broken;
  pool.reason = reason();
  pool.output = broken() ? failure_.output : log_;  // which belongs to the reason
  pool.exit_code = failure_.exit_code;
  pool.start_us = microseconds_of(start_);
  pool.initialise_us = microseconds_of(initialise_);
  counters_.describe(pool);
  if (broken()) {
    pool.state = PoolState::broken;
  } else if (now.ready + now.busy > 0) {
    pool.state = PoolState::ready;
  } else if (up() > 0) {
    pool.state = PoolState::warming;
  } else {
    pool.state = rested_ ? PoolState::quiesced : PoolState::cold;
  }
  return pool;
}

}  // namespace kiln::worker
