#include "coordinator/pools/core.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace kiln::coordinator {
namespace {

// Requests that wait longer find cold nodes woken.
constexpr Duration kRequestMoment = milliseconds(250);

// Whoever asks for warmth looks again and again anyway, and there is nothing to show of what is
// gone.
bool shows_what_came_of_it(const PoolRequest& request) {
  switch (request.action) {
    case PoolAction::create:
      return request.count == 0 && !request.all;
    case PoolAction::quiesce:
    case PoolAction::wake:
    case PoolAction::resize:
      return true;
    case PoolAction::warm:
    case PoolAction::remove:
      return false;
  }
  return false;
}

void append(Outputs& all, Outputs more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

Core::Core(const SchedulerOptions& options)
    : scheduler_(options), keeper_(mix(options.seed ^ options.epoch), options.epoch) {}

void Core::load(const Moment& moment, const std::vector<PoolDefinition>& definitions) {
  keeper_.load(definitions, moment);
  flush(moment, {});
}

Result<CoreOutputs> Core::put(const Moment& moment, const PoolSpec& spec) {
  KILN_TRY(keeper_.put(spec, moment));
  return flush(moment, {});
}

CoreOutputs Core::step(const Moment& moment, const Event& event) {
  auto outputs = scheduler_.step({moment.now, event});
  tell_keeper(moment, event, outputs);
  if (const auto due = keeper_.next_deadline(); due && *due <= moment.now) keeper_.tick(moment);
  wake_for_requests(moment);
  return flush(moment, std::move(outputs));
}

void Core::tell_keeper(const Moment& moment, const Event& event, const Outputs& outputs) {
  const auto look_at = [&](const std::string& worker) {
    if (const auto node = scheduler_.node(worker)) keeper_.seen(*node, moment);
    heard_of(worker);
  };
  if (const auto* joined = std::get_if<WorkerJoined>(&event)) {
    const auto node = scheduler_.node(joined->node.name);
    const bool taken = node && node->info->epoch == joined->node.epoch &&
                       std::none_of(outputs.begin(), outputs.end(), [](const Output& output) {
                         return std::holds_alternative<WorkerRejected>(output);
                       });
    if (taken) keeper_.joined(*node, moment);
  } else if (const auto* reported = std::get_if<WorkerReported>(&event)) {
    look_at(reported->worker);
  }
  for (const auto& output : outputs) {
    if (const auto* lost = std::get_if<WorkerLost>(&output)) look_at(lost->worker);
    if (const auto* gone = std::get_if<WorkerForgotten>(&output)) {
      keeper_.forgotten(gone->worker);
      heard_of(gone->worker);
    }
  }
}

void Core::heard_of(const std::string& worker) {
  held_.look(worker, [&](const std::string& pool, std::uint64_t order) {
    return keeper_.took_up(worker, pool, order);
  });
}

void Core::wake_for_requests(const Moment& moment) {
  if (keeper_.catalog().pools() == 0 || scheduler_.waiting_requests() == 0) return;
  if (moment.now < requests_seen_ + kRequestMoment) return;
  requests_seen_ = moment.now;
  for (const auto& [pool, waiting] : scheduler_.waiting_by_pool()) {
    const bool long_enough = waiting.since + kRequestMoment <= moment.now;
    if (pool != kDefaultPool && long_enough) keeper_.burst(pool, waiting.leases, moment);
  }
}

CoreOutputs Core::reported(const Moment& moment, const WorkerReport& report) {
  keeper_.reported(report, moment);
  heard_of(report.worker);
  // Pools that are learned from it exist before it is heard how they stand.
  auto out = flush(moment, {});
  append(out.scheduler, scheduler_.step({moment.now, WorkerPools{report.worker, report.epoch,
                                                                 report.complete, report.pools}}));
  return out;
}

Result<PoolChanged> Core::change(const Moment& moment, const PoolRequest& request) {
  KILN_TRY_ASSIGN(const auto existed, keeper_.change(request, moment));
  const auto& name = request.spec.name;
  const auto nodes =
      shows_what_came_of_it(request) ? keeper_.awaited(name) : HeldAnswers::Awaited{};
  const auto answer = held_.hold(name, nodes, moment.now);
  for (const auto& entry : nodes) heard_of(entry.first);
  return PoolChanged{existed, answer, flush(moment, {})};
}

void Core::unsent(const Moment& moment, const std::string& worker) {
  keeper_.unsent(worker, moment);
}

CoreOutputs Core::flush(const Moment& moment, Outputs outputs) {
  auto kept = keeper_.take();
  if (!kept.selections.empty()) {
    append(outputs, scheduler_.step({moment.now, PoolsSelected{std::move(kept.selections)}}));
  }
  return {std::move(outputs), std::move(kept.orders), kept.definitions_changed,
          held_.take(moment.now)};
}

std::optional<TimePoint> Core::next_deadline() const {
  auto next = scheduler_.next_deadline();
  const auto consider = [&](TimePoint when) { next = next ? std::min(*next, when) : when; };
  if (const auto due = keeper_.next_deadline()) consider(*due);
  if (const auto due = held_.next_deadline()) consider(*due);
  if (keeper_.catalog().pools() > 0 && scheduler_.waiting_requests() > 0) {
    consider(requests_seen_ + kRequestMoment);
  }
  return next;
}

std::vector<PoolView> Core::pools(const std::string& name) const {
  auto views = keeper_.views(name);
  const auto waiting = scheduler_.waiting_by_pool();
  for (auto& view : views) {
    const auto found = waiting.find(view.definition->spec.name);
    if (found != waiting.end()) view.waiting = found->second.requests;
  }
  return views;
}

}  // namespace kiln::coordinator
