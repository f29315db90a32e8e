// The calls of the agent, from their message to their answer.
#include <chrono>
#include <utility>

#include "client/agent/agent.h"
#include "client/agent/declared_outputs.h"
#include "client/arguments/command_line.h"
#include "client/paths/paths.h"
#include "client/paths/program.h"

namespace kiln::client {
namespace {

std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// The file that a call is about, until it is known better: what `kiln why` asks for when the call
// is not even prepared.
std::string source_of(const wire::Call& call) {
  if (call.argv.empty()) return "";
  if (call.kind == "run") return call.argv.front();
  const auto sources = parse_command_line(call.argv).sources;
  return absolute_path(call.cwd, sources.empty() ? call.argv.back() : sources.front().path);
}

// As the launcher does it; what is not there is a reason of the preparer's.
void find_program_of(wire::Call& call) {
  if (!call.program.empty()) return;
  const auto found = find_program(call.argv.front(), call.cwd, call.environment, "");
  if (found) call.program = found->path;
}

// A caller's own limits in the place of the usual ones.
void limit(Prepared& prepared, const Limits& wanted) {
  for (auto& unit : prepared.units) {
    Limits& limits = unit.task.limits;
    if (wanted.wall_ms != 0) limits.wall_ms = wanted.wall_ms;
    if (wanted.memory_bytes != 0) limits.memory_bytes = wanted.memory_bytes;
    if (wanted.output_bytes != 0) limits.output_bytes = wanted.output_bytes;
  }
}

}  // namespace

// The launcher becomes the compiler, or prints what came of it.
void Agent::begin_launchers_call(ConnectionId connection, wire::Call call) {
  const std::string program = call.program;
  const auto answer = [this, connection, program](CallEnd end) {
    if (end.kind == CallEnd::Kind::done)
      return server_->send(connection, wire::CallDone{end.exit_code, end.signal},
                           {std::move(end.out), std::move(end.err)}, true);
    if (end.kind == CallEnd::Kind::locally) {
      local_runs_->watch(server_->open_peer(connection), end.job);
      return server_->send(connection, wire::CallLocally{program, end.wants_slot, end.reason, 0},
                           {}, true);
    }
    server_->send(connection, wire::CallFailed{end.reason + ": " + end.detail}, {}, true);
  };
  const CallId id{connection, 0};
  const auto active = add_call(id, std::move(call), answer);
  auto settings = call_settings(settings_, active->call.environment);
  if (settings) active->settings = *settings;
  enter_build(*active);
  if (!settings)
    return answer_failed(id, {CallEnd::Kind::failed, "bad_setting", settings.error().message});
  begin_call(id, active);
}

// The library never runs anything itself, whatever the environment says.
void Agent::begin_session_call(CallId id, wire::Call call, const SessionWishes& wishes,
                               CallAnswer answer) {
  const auto active = add_call(id, std::move(call), std::move(answer));
  active->settings.fallback = false;
  active->settings.pool = wishes.pool;
  active->settings.priority = wishes.priority;
  active->settings.patience = wishes.patience;
  active->settings.farm_patience = wishes.farm_patience;
  active->limits = wishes.limits;
  enter_build(*active);
  begin_call(id, active);
}

std::shared_ptr<Agent::ActiveCall> Agent::add_call(CallId id, wire::Call call, CallAnswer answer) {
  ++history_.calls;
  auto active = std::make_shared<ActiveCall>();
  active->number = history_.calls;
  active->begun = reactor_->now();
  active->call = std::move(call);
  active->answer = std::move(answer);
  active->source = source_of(active->call);
  forget(id);  // a launcher's connection carries one call; another replaces it
  calls_[id] = active;
  return active;
}

void Agent::enter_build(ActiveCall& call) {
  const std::string& named = call.settings.build;
  const std::string& build = named.empty() ? access_->default_build : named;
  call.run = builds_.enter(build, call.begun);
  logs_.calls.debug(
      "call_begun",
      {{"call", call.number}, {"kind", call.call.kind}, {"source", call.source}, {"build", build}});
}

bool Agent::is_active(CallId id, const std::shared_ptr<ActiveCall>& call) const {
  const auto found = calls_.find(id);
  return found != calls_.end() && found->second == call;
}

void Agent::begin_call(CallId id, const std::shared_ptr<ActiveCall>& active) {
  const auto& named = active->call;
  if (!same_root(root_, {named.root_device, named.root_inode, named.mount_namespace}))
    return answer_locally(id, {"other_root", is_compiler_name(named.program)}, false);
  auto outcome = std::make_shared<PrepareOutcome>(Local{});
  reactor_->offload(
      *work_,
      [&preparer = *preparer_, active, outcome, finds_program = id.number != 0] {
        if (active->dropped) return;
        active->listing_begun = Clock::now();
        if (finds_program) find_program_of(active->call);
        *outcome = preparer.prepare(active->call, active->settings);
        if (auto* ready = std::get_if<Prepared>(outcome.get())) limit(*ready, active->limits);
        active->listing_ended = Clock::now();
      },
      [this, id, active, outcome] {
        if (is_active(id, active)) prepared(id, std::move(*outcome));
      });
}

void Agent::prepared(CallId id, PrepareOutcome outcome) {
  const auto active = calls_.at(id);
  if (const auto* local = std::get_if<Local>(&outcome)) {
    const bool fails = is_failure(*local);
    if (fails && !active->settings.fallback)
      return answer_failed(id, {CallEnd::Kind::failed, local->reason, local->detail});
    return answer_locally(id, *local, fails);
  }
  auto ready = std::make_shared<Prepared>(std::get<Prepared>(std::move(outcome)));
  active->source = ready->units.front().source;
  active->listing = ready->listing;
  probes_->check(ready->units.front(), active->call, active->settings,
                 [this, id, active, ready](const Status& probed) {
                   if (!is_active(id, active)) return;
                   if (probed) return run_remotely(id, std::move(*ready));
                   const bool refused = probed.error().code == Errc::unsupported;
                   const std::string reason = refused ? "toolchain_refused" : "probe_failed";
                   if (active->settings.fallback)
                     return answer_locally(id, {reason, true, probed.error().message}, true);
                   answer_failed(id, {CallEnd::Kind::failed, reason, probed.error().message});
                 });
}

void Agent::run_remotely(CallId id, Prepared prepared) {
  const auto active = calls_.at(id);
  for (auto& unit : prepared.units) unit.call = active->number;
  active->remote = std::make_unique<RemoteCall>(*access_, std::move(prepared), active->settings);
  const std::weak_ptr<ActiveCall> weak = active;
  active->remote->start([this, id, weak](UnitOutcome outcome, std::vector<UnitTrace> traces) {
    // The call is still on the stack: it is destroyed in the next turn.
    auto shared = std::make_shared<UnitOutcome>(std::move(outcome));
    reactor_->defer([this, id, weak, shared, traces = std::move(traces)] {
      if (const auto call = weak.lock(); call && is_active(id, call))
        call_ended(id, std::move(*shared), traces);
    });
  });
}

void Agent::call_ended(CallId id, UnitOutcome outcome, const std::vector<UnitTrace>& traces) {
  for (const auto& trace : traces) {
    for (std::size_t i = 0; i + 1 < trace.attempts.size(); ++i)
      history_.retried.add(trace.attempts[i].outcome);
  }
  if (outcome.kind == Step::Kind::locally) {
    logs_.calls.warning("call_fell_back", {{"call", calls_.at(id)->number},
                                           {"source", calls_.at(id)->source},
                                           {"reason", outcome.reason},
                                           {"detail", outcome.detail}});
    return answer_locally(id, {outcome.reason, true, outcome.detail}, true, traces);
  }
  CallEnd end;
  end.reason = outcome.reason;
  end.detail = outcome.detail;
  end.out = std::move(outcome.out);
  end.err = std::move(outcome.err);
  end.traces = traces;
  if (outcome.kind == Step::Kind::fail) {
    end.kind = CallEnd::Kind::failed;
    return answer_failed(id, std::move(end));
  }
  history_.remote.add(outcome.trace.node.empty() ? traces.back().node : outcome.trace.node);
  end.reason = "compiled";
  end.exit_code = outcome.exit_code;
  end.signal = outcome.signal;
  // The library's tasks end as their commands did.
  if (id.number == 0) require_outputs(calls_.at(id)->call, outcome.missing_outputs, end);
  end_call(id, CallRecord::Ran::remotely, std::move(end));
}

void Agent::answer_locally(CallId id, const Local& local, bool is_fallback,
                           const std::vector<UnitTrace>& traces) {
  const bool runs = id.number == 0;  // the library runs nothing itself
  if (runs) {
    (is_fallback ? history_.fallback : history_.local).add(local.reason);
  } else {
    history_.failed.add(local.reason);
  }
  CallEnd end{CallEnd::Kind::locally, local.reason, local.detail};
  end.wants_slot = local.wants_slot;
  end.is_fallback = is_fallback;
  end.traces = traces;
  end_call(id, runs ? CallRecord::Ran::locally : CallRecord::Ran::nowhere, std::move(end));
}

void Agent::answer_failed(CallId id, CallEnd end) {
  history_.failed.add(end.reason);
  logs_.calls.error("call_failed", {{"call", calls_.at(id)->number},
                                    {"source", calls_.at(id)->source},
                                    {"reason", end.reason},
                                    {"detail", end.detail}});
  end_call(id, CallRecord::Ran::nowhere, std::move(end));
}

void Agent::end_call(CallId id, CallRecord::Ran ran, CallEnd end) {
  const auto active = calls_.extract(id).mapped();
  logs_.calls.debug("call_ended", {{"call", active->number},
                                   {"ran", name_of(ran)},
                                   {"reason", end.reason},
                                   {"exit_code", end.exit_code},
                                   {"seconds", in_seconds(reactor_->now() - active->begun)}});
  end.listing = active->listing;
  end.job = record(*active, ran, end);
  active->answer(std::move(end));
}

BuildBook::JobId Agent::record(const ActiveCall& call, CallRecord::Ran ran, const CallEnd& end) {
  CallRecord entry;
  entry.file = call.source;
  entry.ran = ran;
  entry.is_fallback = end.is_fallback;
  // What runs here runs on no node, whichever was tried before.
  const bool is_here = ran == CallRecord::Ran::locally;
  entry.node = is_here || end.traces.empty() ? "" : end.traces.back().node;
  entry.reason = end.reason;
  entry.detail = end.detail;
  entry.when = unix_seconds();
  entry.pool = call.settings.pool;
  entry.begun = call.begun;
  entry.listing_begun = call.listing_begun;
  entry.listing_ended = call.listing_ended;
  entry.ended = reactor_->now();
  entry.wall = entry.ended - call.begun;
  entry.listing = call.listing;
  entry.traces = end.traces;
  const auto shared = std::make_shared<const CallRecord>(std::move(entry));
  history_.add(shared);
  if (metrics_) metrics_->ended(*shared);
  return builds_.add(call.run, shared);
}

// Nobody waits for it; destroying the call cancels it.
void Agent::forget(CallId id) {
  const auto node = calls_.extract(id);
  if (!node) return;
  logs_.calls.debug("call_dropped", {{"call", node.mapped()->number}});
  node.mapped()->dropped = true;
  builds_.leave(node.mapped()->run, reactor_->now());
  node.mapped()->remote.reset();
}

}  // namespace kiln::client
