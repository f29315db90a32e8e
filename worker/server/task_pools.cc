// The half of TaskServer that hears of executors and pools.
#include <utility>
#include <variant>

#include "common/model/log_id.h"
#include "worker/server/overloaded.h"
#include "worker/server/task_server.h"

namespace kiln::worker {

ExecutorFleet::Hooks TaskServer::fleet_hooks() {
  ExecutorFleet::Hooks hooks;
  const auto now = [this] { return parts_.reactor.now(); };
  hooks.ready = [this, now](PlaceId place) { carry_out(table_.executor_ready(place, now())); };
  hooks.begun = [this, now](PlaceId place) { table_.executor_begun(place, now()); };
  hooks.staged = [this, now](const std::string& pool) {
    carry_out(table_.pool_staged(pool, now()));
  };
  hooks.toolchain_took = [this](const std::string& pool, Duration took) {
    parts_.pool_metrics.staged(pool, in_seconds(took));
  };
  hooks.staging_failed = [this, now](const std::string& pool, const std::string& reason,
                                     bool lasting) {
    carry_out(table_.pool_staging_failed(pool, reason, lasting, now()));
  };
  hooks.initialised = [this, now](PlaceId place, const InitialiserEnd& end) {
    carry_out(table_.initialised(place, end, now()));
  };
  hooks.lost = [this, now](PlaceId place, const std::string& reason) {
    parts_.metrics.executor_lost();
    carry_out(table_.executor_lost(place, reason, now()));
  };
  hooks.stopped = [this, now](PlaceId place) { carry_out(table_.executor_stopped(place, now())); };
  hooks.template_ready = [this, now](const std::string& pool) {
    carry_out(table_.template_ready(pool, now()));
  };
  hooks.template_lost = [this, now](const std::string& pool, const std::string& reason) {
    carry_out(table_.template_lost(pool, reason, now()));
  };
  hooks.changed = [this](const std::string& pool) { hooks_.pool_changed(pool); };
  return hooks;
}

// Whether the action was one of the life of pools.
bool TaskServer::carry_out_for_pool(const Action& action) {
  return std::visit(Overloaded{
                        [this](const CreateExecutor& a) {
                          fleet_.create(a);
                          return true;
                        },
                        [this](const StopExecutor& a) {
                          fleet_.stop(a.place);
                          return true;
                        },
                        [this](const InitialiseExecutor& a) {
                          fleet_.initialise(a);
                          return true;
                        },
                        [this](const CreateTemplate& a) {
                          fleet_.create_template(a.pool);
                          return true;
                        },
                        [this](const StopTemplate& a) {
                          fleet_.stop_template(a.pool);
                          return true;
                        },
                        [this](const PoolChanged& a) {
                          hooks_.pool_changed(a.pool);
                          return true;
                        },
                        [this](const WarmStepTook& a) {
                          const double took = in_seconds(a.took);
                          if (a.step == WarmStep::start) {
                            parts_.pool_metrics.started(a.pool, took);
                          } else {
                            parts_.pool_metrics.initialised(a.pool, took);
                          }
                          return true;
                        },
                        [](const auto&) { return false; },
                    },
                    action);
}

void TaskServer::configure_pool(const PoolTerms& terms) {
  fleet_.set_terms(terms);
  carry_out(table_.configure_pool(terms, parts_.reactor.now()));
}

void TaskServer::carry_out_wish(const std::string& pool, PoolWish wish, std::uint32_t warm) {
  const TimePoint now = parts_.reactor.now();
  if (wish == PoolWish::warm) {
    fleet_.try_again(pool);
    carry_out(table_.warm_pool(pool, warm, now));
  }
  if (wish == PoolWish::quiesce) carry_out(table_.quiesce_pool(pool, now));
}

PoolOnNode TaskServer::pool(const std::string& name) const {
  PoolOnNode standing = table_.pool(name);
  fleet_.describe(standing);
  return standing;
}

std::vector<pid_t> TaskServer::idle_executors(const std::string& pool) const {
  std::vector<pid_t> idle;
  for (const auto place : fleet_.places(pool)) {
    const auto executor = fleet_.on(place);
    if (!executor || parts_.host.task_pid(*executor) != 0) continue;
    const pid_t pid = parts_.host.executor_pid(*executor);
    if (pid > 0) idle.push_back(pid);
  }
  return idle;
}

pid_t TaskServer::pid_of(const AttemptId& attempt) const {
  const auto place = table_.place_of(attempt);
  const auto executor = place ? fleet_.on(*place) : std::nullopt;
  return executor ? parts_.host.task_pid(*executor) : 0;
}

void TaskServer::report_stuck() {
  const TimePoint now = parts_.reactor.now();
  if (!stuck_.next_deadline() || now < *stuck_.next_deadline()) return;
  for (const auto& task : stuck_.look(table_.unfinished_tasks(now), now)) {
    parts_.logs.tasks.warning("task_lasts", {{"attempt", log_id(task.attempt)},
                                             {"task", task.label},
                                             {"pool", task.pool},
                                             {"phase", name(task.phase)},
                                             {"seconds", task.age_ms / 1000},
                                             {"phase_seconds", task.phase_ms / 1000},
                                             {"pid", pid_of(task.attempt)}});
  }
}

void TaskServer::executor_ready(ExecutorId id) {
  fleet_.executor_ready(id);
}

void TaskServer::executor_died(ExecutorId id, Error reason) {
  fleet_.executor_died(id, reason);
}

void TaskServer::executor_stopped(ExecutorId id) {
  fleet_.executor_stopped(id);
}

void TaskServer::template_ready(TemplateId id) {
  fleet_.template_ready(id);
}

void TaskServer::template_died(TemplateId id, const Error& reason) {
  fleet_.template_died(id, reason);
}

}  // namespace kiln::worker
