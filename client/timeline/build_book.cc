#include "client/timeline/build_book.h"

#include <algorithm>
#include <utility>

namespace kiln::client {
namespace {

constexpr std::size_t kNamed = 8;  // builds that an error names

void count(BuildSummary& summary, const CallRecord& record) {
  if (record.ran == CallRecord::Ran::remotely) {
    ++summary.remote;
  } else if (record.ran == CallRecord::Ran::nowhere) {
    ++summary.failed;
  } else {
    ++(record.is_fallback ? summary.fallback : summary.local);
  }
}

}  // namespace

BuildBook::RunId BuildBook::enter(const std::string& build, TimePoint now) {
  Name& name = names_[build];
  const auto newest = runs_.find(name.newest);
  if (newest != runs_.end()) {
    Run& run = newest->second;
    if (run.summary.active > 0 || now - run.last < kRest) {
      ++run.summary.active;
      run.last = now;
      return name.newest;
    }
  }
  const RunId id = ++last_run_;
  name.newest = id;
  ++name.count;
  ++name.kept;
  Run& run = runs_[id];
  run.build = build;
  run.number = name.count;
  run.summary.active = 1;
  run.summary.begun = run.summary.ended = run.last = now;
  return id;
}

BuildBook::JobId BuildBook::add(RunId id, std::shared_ptr<const CallRecord> record) {
  const auto found = runs_.find(id);
  if (found == runs_.end()) return {};
  Run& run = found->second;
  --run.summary.active;
  run.last = record->ended;
  run.summary.ended = std::max(run.summary.ended, record->ended);
  if (run.summary.jobs() == 0) {
    const auto ago = std::chrono::duration_cast<seconds>(record->ended - run.summary.begun);
    run.summary.when = record->when - ago.count();
  }
  count(run.summary, *record);
  run.jobs.push_back({std::move(record)});
  const JobId job{id, run.summary.forgotten + run.jobs.size() - 1};
  if (++jobs_ > capacity_) make_room(id);
  return job;
}

void BuildBook::leave(RunId id, TimePoint now) {
  const auto found = runs_.find(id);
  if (found == runs_.end()) return;
  Run& run = found->second;
  run.last = now;
  if (--run.summary.active == 0 && run.jobs.empty()) remove(id);
}

void BuildBook::here_ended(JobId job, TimePoint now) {
  const auto found = runs_.find(job.run);
  if (found == runs_.end()) return;
  Run& run = found->second;
  if (job.number < run.summary.forgotten) return;
  run.jobs[job.number - run.summary.forgotten].here_ended = now;
  run.last = std::max(run.last, now);
  run.summary.ended = std::max(run.summary.ended, now);
}

void BuildBook::remove(RunId id) {
  const auto run = runs_.find(id);
  const auto name = names_.find(run->second.build);
  if (--name->second.kept == 0) names_.erase(name);
  jobs_ -= run->second.jobs.size();
  runs_.erase(run);
}

void BuildBook::make_room(RunId keep) {
  const auto oldest = std::find_if(runs_.begin(), runs_.end(), [keep](const auto& entry) {
    return entry.first != keep && entry.second.summary.active == 0;
  });
  if (oldest != runs_.end()) return remove(oldest->first);
  Run& run = runs_.at(keep);
  run.jobs.pop_front();
  ++run.summary.forgotten;
  --jobs_;
}

// The number only where the name alone does not tell it.
std::string BuildBook::title_of(const Run& run) const {
  const bool is_only = names_.at(run.build).count == 1;
  return is_only ? run.build : run.build + "#" + std::to_string(run.number);
}

std::vector<BuildSummary> BuildBook::list() const {
  std::vector<BuildSummary> all;
  for (const auto& [id, run] : runs_) {
    if (run.summary.jobs() == 0) continue;
    all.push_back(run.summary);
    all.back().name = title_of(run);
  }
  return all;
}

std::string BuildBook::names() const {
  const auto all = list();
  if (all.empty()) return "it remembers none yet";
  std::string text = "it remembers ";
  const std::size_t named = std::min(all.size(), kNamed);
  for (std::size_t i = 0; i < named; ++i)
    text += (i == 0 ? "" : ", ") + all[all.size() - 1 - i].name;
  const std::size_t more = all.size() - named;
  return more == 0 ? text : text + " and " + std::to_string(more) + " more";
}

Result<BuildTimeline> BuildBook::find(const std::string& name) const {
  const Run* found = nullptr;
  for (const auto& [id, run] : runs_) {
    if (run.summary.jobs() == 0) continue;
    if (name.empty()) {
      if (found == nullptr || run.last >= found->last) found = &run;
    } else if (run.build == name || title_of(run) == name) {
      found = &run;
    }
  }
  if (found == nullptr && name.empty())
    return fail(Errc::not_found, "this agent has seen no job of a build yet");
  if (found == nullptr)
    return fail(Errc::not_found, "this agent knows no build " + name + "; " + names());
  BuildTimeline timeline{found->summary, {found->jobs.begin(), found->jobs.end()}};
  timeline.summary.name = title_of(*found);
  return timeline;
}

}  // namespace kiln::client
