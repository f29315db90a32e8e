#include "coordinator/live/job_book.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace kiln::coordinator {
namespace {

constexpr std::size_t kClientsNamed = 8;
constexpr std::size_t kTimesKept = 10'000;

bool has_ended(TaskPhase phase) {
  return phase == TaskPhase::returning;
}

}  // namespace

void JobBook::apply(const JobChange& change) {
  switch (change.kind) {
    case JobChange::Kind::came:
      return came(change);
    case JobChange::Kind::moved: {
      const auto found = held_.find(change.attempt);
      if (found != held_.end()) enter(found->second, change.phase, change.at);
      return;
    }
    case JobChange::Kind::went:
      return went(change.attempt, change.at, false);
    case JobChange::Kind::lost:
      return went(change.attempt, change.at, true);
  }
}

// A reclaimed attempt may be told of by a second node; the first has it.
void JobBook::came(const JobChange& change) {
  const auto [entry, is_new] = held_.try_emplace(change.attempt);
  if (!is_new) return;
  Held& held = entry->second;
  held.node = change.node;
  held.accepted = change.accepted;
  held.phase = TaskPhase::staging;
  if (!change.build.empty()) {
    auto& build = build_for(change.build, change.accepted);
    if (build.clients.size() < kClientsNamed && !change.client.empty()) {
      build.clients.insert(change.client);
    }
    ++build.queued;
    LiveJob job;
    job.id = held.job = ++last_job_;
    job.attempt = change.attempt;
    job.label = change.label;
    job.node = change.node;
    job.pool = change.pool;
    job.accepted = change.accepted;
    build.jobs.push_back(std::move(job));
    ++jobs_;
    held.place.build = build.number;
  }
  enter(held, change.phase, change.at);
  make_room(held.place.build);
}

void JobBook::enter(Held& held, TaskPhase phase, TimePoint at) {
  auto* build = build_of(held);
  leave_phase(held);
  held.phase = phase;
  if (phase == TaskPhase::running && !held.place.slot) {
    auto& slots = slots_[held.node];
    const auto free =
        std::find_if(slots.begin(), slots.end(), [](const auto& slot) { return !slot; });
    held.place.slot = static_cast<std::uint32_t>(free - slots.begin());
    if (free == slots.end()) slots.emplace_back();
    slots.at(*held.place.slot) = held.place.build;
  }
  auto* job = build == nullptr ? nullptr : job_of(*build, held.job);
  if (has_ended(phase)) {
    note_time(at - held.accepted);
    free_slot(held);
  }
  if (build == nullptr) return;
  if (phase == TaskPhase::running) ++build->running;
  if (phase == TaskPhase::queued || phase == TaskPhase::staging) ++build->queued;
  if (has_ended(phase)) ++build->done;
  touch(*build, job, at);
  if (job == nullptr) return;
  job->phase = phase;
  job->slot = held.place.slot ? held.place.slot : job->slot;
  if (phase == TaskPhase::running) job->started = at;
  if (!has_ended(phase)) return;
  if (!job->started) job->started = at;
  job->ended = at;
}

void JobBook::leave_phase(const Held& held) {
  auto* build = build_of(held);
  if (build == nullptr) return;
  if (held.phase == TaskPhase::running) --build->running;
  if (held.phase == TaskPhase::queued || held.phase == TaskPhase::staging) --build->queued;
}

void JobBook::went(const AttemptId& attempt, TimePoint at, bool lost) {
  const auto found = held_.find(attempt);
  if (found == held_.end()) return;
  Held& held = found->second;
  leave_phase(held);
  free_slot(held);
  // Its return may have been so short that no report told of it.
  const bool done = !lost && !has_ended(held.phase);
  if (done) note_time(at - held.accepted);
  if (auto* build = build_of(held)) {
    if (done) ++build->done;
    auto* job = job_of(*build, held.job);
    touch(*build, job, at);
    if (job != nullptr) {
      if (!job->ended) job->ended = at;
      job->went = true;
      job->lost = lost && !has_ended(job->phase);
    }
  }
  held_.erase(found);
}

void JobBook::end_all(TimePoint now) {
  while (!held_.empty()) {
    const AttemptId attempt = held_.begin()->first;
    went(attempt, now, false);
  }
}

void JobBook::note_waiting(const std::map<std::string, Waiting>& waiting, TimePoint now) {
  for (auto& entry : builds_) entry.second.waiting = 0;
  for (const auto& [name, requests] : waiting) {
    const bool full = builds_.size() >= bounds_.builds && !longest_at_rest()->second.rests();
    if (full && !newest_.contains(name)) continue;
    auto& build = build_for(name, requests.since);
    build.waiting = requests.leases;
    touch(build, nullptr, now);
    make_room(build.number);
  }
}

void JobBook::tidy(TimePoint now) {
  for (auto entry = builds_.begin(); entry != builds_.end();) {
    const auto& build = entry->second;
    if (!build.rests() || now - build.last < bounds_.keep) {
      ++entry;
      continue;
    }
    entry = forget(entry);
  }
}

const LiveBuild* JobBook::find(BuildNumber number) const {
  const auto found = builds_.find(number);
  return found == builds_.end() ? nullptr : &found->second;
}

const std::vector<std::optional<BuildNumber>>& JobBook::slots(const std::string& node) const {
  static const std::vector<std::optional<BuildNumber>> kNone;
  const auto found = slots_.find(node);
  return found == slots_.end() ? kNone : found->second;
}

const JobBook::Place* JobBook::place_of(const AttemptId& attempt) const {
  const auto found = held_.find(attempt);
  return found == held_.end() ? nullptr : &found->second.place;
}

void JobBook::note_time(Duration time) {
  if (times_.size() < kTimesKept) times_.push_back(time);
}

std::vector<Duration> JobBook::take_times() {
  return std::exchange(times_, {});
}

LiveBuild& JobBook::build_for(const std::string& name, TimePoint at) {
  const auto newest = newest_.find(name);
  if (newest != newest_.end()) {
    auto& build = builds_.at(newest->second);
    if (!build.rests() || at - build.last < bounds_.rest) return build;
  }
  LiveBuild build;
  build.number = ++last_build_;
  build.name = name;
  build.begun = build.last = at;
  newest_[name] = build.number;
  return builds_.emplace(build.number, std::move(build)).first->second;
}

LiveBuild* JobBook::build_of(const Held& held) {
  const auto found = builds_.find(held.place.build);
  return found == builds_.end() ? nullptr : &found->second;
}

LiveJob* JobBook::job_of(LiveBuild& build, std::uint64_t id) {
  const auto found =
      std::lower_bound(build.jobs.begin(), build.jobs.end(), id,
                       [](const LiveJob& job, std::uint64_t wanted) { return job.id < wanted; });
  return found == build.jobs.end() || found->id != id ? nullptr : &*found;
}

void JobBook::touch(LiveBuild& build, LiveJob* job, TimePoint at) {
  build.changed = ++changes_;
  build.last = std::max(build.last, at);
  if (job != nullptr) job->changed = changes_;
}

// A node's rows end with its highest one in use.
void JobBook::free_slot(Held& held) {
  const auto slot = std::exchange(held.place.slot, std::nullopt);
  const auto found = slots_.find(held.node);
  if (!slot || found == slots_.end()) return;
  auto& slots = found->second;
  slots.at(*slot) = std::nullopt;
  while (!slots.empty() && !slots.back()) slots.pop_back();
  if (slots.empty()) slots_.erase(found);
}

void JobBook::drop_oldest_job(LiveBuild& build) {
  build.jobs.pop_front();
  ++build.dropped;
  --jobs_;
}

// By the age of its oldest job, not of the build: one that has gone on for long has new jobs too.
LiveBuild& JobBook::with_oldest_job() {
  const auto front = [](const auto& entry) {
    const auto& jobs = entry.second.jobs;
    return jobs.empty() ? std::numeric_limits<std::uint64_t>::max() : jobs.front().id;
  };
  return std::min_element(
             builds_.begin(), builds_.end(),
             [&front](const auto& left, const auto& right) { return front(left) < front(right); })
      ->second;
}

std::map<BuildNumber, LiveBuild>::iterator JobBook::longest_at_rest() {
  const auto rank = [](const LiveBuild& build) {
    return std::make_pair(!build.rests(), build.last);
  };
  return std::min_element(builds_.begin(), builds_.end(),
                          [&rank](const auto& left, const auto& right) {
                            return rank(left.second) < rank(right.second);
                          });
}

std::map<BuildNumber, LiveBuild>::iterator JobBook::forget(
    std::map<BuildNumber, LiveBuild>::iterator entry) {
  const auto& build = entry->second;
  jobs_ -= build.jobs.size();
  const auto newest = newest_.find(build.name);
  if (newest != newest_.end() && newest->second == build.number) newest_.erase(newest);
  return builds_.erase(entry);
}

void JobBook::make_room(BuildNumber keep) {
  const auto kept = builds_.find(keep);
  if (kept != builds_.end() && kept->second.jobs.size() > bounds_.jobs_of_build) {
    drop_oldest_job(kept->second);
  }
  while (jobs_ > bounds_.jobs) drop_oldest_job(with_oldest_job());
  while (builds_.size() > bounds_.builds) forget(longest_at_rest());
}

}  // namespace kiln::coordinator
