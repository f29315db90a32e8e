#include "client/agent/remote_unit.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "client/agent/declared_outputs.h"
#include "client/agent/output_writer.h"
#include "common/model/log_id.h"

namespace kiln::client {
namespace {

// The worker is asked about an attempt that nothing was heard of for this long, first while RUN is
// not answered, then while it waits or runs. Any message may be lost with a connection or a full
// queue; this finds it out.
constexpr Duration kAskAboutRun = seconds(3);
constexpr Duration kAskAboutTask = seconds(10);
constexpr int kUnanswered = 3;
// How long a call waits for a slot. Without fallback there is nothing better to do than to wait.
constexpr Duration kPatience = seconds(10);
constexpr Duration kPatienceWithoutFallback = seconds(60);
constexpr Duration kBusyDelay = milliseconds(10);

AttemptEnd end_without_lease(Errc code) {
  if (code == Errc::invalid_argument) return AttemptEnd::no_pool;
  return code == Errc::permission_denied ? AttemptEnd::pool_broken : AttemptEnd::no_lease;
}

}  // namespace

RemoteUnit::RemoteUnit(FarmAccess& farm, std::shared_ptr<const PreparedUnit> unit,
                       const CallSettings& settings)
    : farm_(farm),
      unit_(std::move(unit)),
      settings_(settings),
      self_(std::make_shared<RemoteUnit*>(this)) {
  retry_.fallback = settings.fallback;
}

RemoteUnit::~RemoteUnit() {
  *self_ = nullptr;
  *wanted_ = false;
  if (ticket_ != 0) farm_.leases.forget(ticket_);
  if (timer_ != 0) farm_.reactor.cancel(timer_);
  if (run_sent_ && result_) tell(wire::Ack{attempt_});
  if (run_sent_ && !result_) {
    farm_.logs.tasks.debug("attempt_cancelled", {{"attempt", log_id(attempt_)}});
    tell(wire::Cancel{attempt_});
  }
  if (link_ != nullptr) farm_.workers.detach(attempt_);
  if (lease_) farm_.leases.spoil(lease_->lease.id);
}

const std::string& RemoteUnit::build() const {
  return settings_.build.empty() ? farm_.default_build : settings_.build;
}

std::function<void()> RemoteUnit::guarded(std::function<void()> fn) {
  return [self = self_, attempt = attempt_, fn = std::move(fn)] {
    if (*self != nullptr && (*self)->attempt_ == attempt) fn();
  };
}

void RemoteUnit::start(Done done) {
  done_ = std::move(done);
  acquire();
}

void RemoteUnit::acquire() {
  phase_began_ = farm_.reactor.now();
  times_ = {trace_.node};
  times_.asked = phase_began_;
  LeaseWish wish;
  wish.toolchain = unit_->task.toolchain;
  wish.architecture = unit_->toolchain->architecture;
  wish.pool = settings_.pool;
  wish.key = unit_->source;
  wish.build = build();
  wish.priority = settings_.priority;
  wish.size_hint_bytes = unit_->inputs->bytes;
  wish.excluded = history_.excluded;
  wish.patience = settings_.fallback ? kPatience : kPatienceWithoutFallback;
  if (settings_.patience != Duration{}) wish.patience = settings_.patience;
  wish.insists = !settings_.fallback;
  wish.farm_patience = settings_.farm_patience;
  ticket_ = farm_.leases.wait(
      std::move(wish), [self = self_, &leases = farm_.leases](Result<HeldLease> lease) {
        RemoteUnit* unit = *self;
        if (unit == nullptr) {  // ended by another who was served in the same turn
          if (lease) leases.give_back(lease->lease.id);
          return;
        }
        unit->ticket_ = 0;
        unit->leased(std::move(lease));
      });
}

void RemoteUnit::leased(Result<HeldLease> lease) {
  const TimePoint now = farm_.reactor.now();
  trace_.acquire += now - phase_began_;
  phase_began_ = now;
  if (!lease) return end_attempt(end_without_lease(lease.error().code), {}, lease.error().message);
  lease_ = std::move(*lease);
  attempt_ = {farm_.client_epoch, ++farm_.last_attempt};
  times_.node = trace_.node = lease_->lease.worker;
  times_.leased = now;
  farm_.logs.tasks.debug("attempt_begun", {{"call", unit_->call},
                                           {"attempt", log_id(attempt_)},
                                           {"lease", log_id(lease_->lease.id)},
                                           {"node", trace_.node},
                                           {"task", unit_->task.label}});
  auto link = farm_.workers.attach(*lease_, attempt_, *this);
  if (!link) return end_attempt(AttemptEnd::worker_lost, {}, link.error().message);
  link_ = *link;
  if (link_->state() == WorkerLink::State::ready) send_run();
}

void RemoteUnit::worker_ready() {
  if (!run_sent_) return send_run();
  if (!writing_) tell(wire::Reclaim{attempt_});
}

void RemoteUnit::send_run() {
  if (std::exchange(packing_, true)) return;
  // The pool thread must not touch the link: it gets its own copy of what is known.
  auto known = std::make_shared<std::vector<Digest>>();
  bool all_known = true;
  const auto look_at = [&](const Digest& digest) {
    const bool is_known = link_->known(digest);
    all_known = all_known && is_known;
    is_known ? known->push_back(digest) : link_->learn(digest);
  };
  for (const auto& file : unit_->inputs->files) look_at(file.digest);
  for (const auto& [digest, bytes] : unit_->inputs->listings) look_at(digest);
  // Where its root is known all below it is: hundreds of listings, the same for every task.
  const bool with_toolchain = !link_->known(unit_->toolchain->root);
  if (with_toolchain) {
    for (const auto& [digest, bytes] : unit_->toolchain->listings) look_at(digest);
  }
  if (all_known) return run_packed(std::make_shared<const Parcel>());
  auto parcel = std::make_shared<Parcel>();
  farm_.reactor.offload(
      farm_.io,
      [unit = unit_, known, parcel, with_toolchain] {
        std::sort(known->begin(), known->end());
        *parcel = parcel_for_run(
            *unit,
            [&](const Digest& d) { return std::binary_search(known->begin(), known->end(), d); },
            with_toolchain);
      },
      guarded([this, parcel] { run_packed(parcel); }));
}

void RemoteUnit::run_packed(const std::shared_ptr<const Parcel>& parcel) {
  packing_ = false;
  if (link_->state() != WorkerLink::State::ready) return;  // worker_ready or worker_lost comes
  const wire::Run run{
      lease_->lease, attempt_,    unit_->task, parcel->blobs, lease_->toolchain_sources,
      build(),       farm_.client};
  const auto sent = link_->send(run, parcel->raw);
  if (!sent && sent.error().code == Errc::resource_exhausted) {
    // The worker is well, it only reads slower than we send.
    packing_ = true;
    farm_.reactor.call_after(kSendAgain, guarded([this, parcel] { run_packed(parcel); }));
    return;
  }
  if (!sent) return end_attempt(AttemptEnd::worker_lost, {}, sent.error().message);
  run_sent_ = true;
  times_.sent = farm_.reactor.now();
  farm_.logs.tasks.debug("attempt_sent", {{"attempt", log_id(attempt_)},
                                          {"lease", log_id(lease_->lease.id)},
                                          {"node", trace_.node},
                                          {"bytes", bytes_of(parcel->raw)}});
  times_.bytes_in += bytes_of(parcel->raw);
  watch();
}

void RemoteUnit::watch() {
  if (timer_ != 0) farm_.reactor.cancel(timer_);
  timer_ = farm_.reactor.call_after(accepted_ ? kAskAboutTask : kAskAboutRun, [this] {
    timer_ = 0;
    ask_again();
  });
}

void RemoteUnit::ask_again() {
  // Without a connection the link decides whether the worker is lost.
  const bool connected = link_->state() == WorkerLink::State::ready;
  if (connected && ++unanswered_ > kUnanswered) {
    tell(wire::Cancel{attempt_});
    return end_attempt(AttemptEnd::worker_lost, {}, "the worker does not answer for the task");
  }
  farm_.logs.tasks.debug("attempt_reclaimed", {{"attempt", log_id(attempt_)}});
  tell(wire::Reclaim{attempt_});
  watch();
}

// What is lost is asked for again by whoever waits for it.
void RemoteUnit::tell(const wire::Message& message) {
  if (link_ != nullptr) static_cast<void>(link_->send(message));
}

void RemoteUnit::worker_lost(const std::string& why) {
  link_ = nullptr;
  if (!writing_) end_attempt(AttemptEnd::worker_lost, {}, "the worker was lost: " + why);
}

void RemoteUnit::worker_message(wire::Envelope envelope) {
  if (!run_sent_ || result_ || writing_) return;
  accepted_ = true;
  unanswered_ = 0;
  watch();
  if (const auto* state = std::get_if<wire::Accepted>(&envelope.message)) {
    held(*state);
  } else if (const auto* refusal = std::get_if<wire::Busy>(&envelope.message)) {
    busy(*refusal);
  } else if (const auto* wanted = std::get_if<wire::Need>(&envelope.message)) {
    need(*wanted);
  } else if (auto* ended = std::get_if<wire::RunResult>(&envelope.message)) {
    result(std::move(*ended), std::move(envelope.raw));
  } else if (std::holds_alternative<wire::Unknown>(envelope.message)) {
    end_attempt(AttemptEnd::worker_lost, {}, "the worker does not know the task any more");
  }
}

void RemoteUnit::result_garbled(const std::string& why) {
  if (!run_sent_ || result_ || writing_) return;
  trace_.remote += farm_.reactor.now() - phase_began_;
  result_is_invalid("the result cannot be read: " + why);
}

// What is asked for again may come as it came before.
void RemoteUnit::message_garbled(const std::string& why) {
  if (!garbled_.one_more(farm_.reactor.now())) return worker_ready();
  tell(wire::Cancel{attempt_});
  end_attempt(AttemptEnd::worker_lost, {}, "what the worker sends cannot be read: " + why);
}

// The task ran, but what came of it is lost; another node may do better.
void RemoteUnit::result_is_invalid(const std::string& why) {
  tell(wire::Ack{attempt_});
  end_attempt(AttemptEnd::result_invalid, {}, why);
}

void RemoteUnit::held(const wire::Accepted& message) {
  const TimePoint now = farm_.reactor.now();
  farm_.logs.tasks.debug("attempt_accepted", {{"attempt", log_id(attempt_)},
                                              {"phase", name(message.phase)},
                                              {"position", message.position}});
  if (message.phase != TaskPhase::queued) return queued_since_.reset();
  if (!queued_since_) queued_since_ = now;
  if (!has_waited_enough(retry_, now - *queued_since_)) return;
  tell(wire::Cancel{attempt_});
  end_attempt(AttemptEnd::no_lease, {}, "a slot did not come free in time");
}

void RemoteUnit::busy(const wire::Busy& message) {
  // Its other leases would only be refused too, one after the other.
  const bool takes_nothing = message.reason == "draining" || message.reason == "broken";
  if (takes_nothing) farm_.leases.drop_worker(trace_.node);
  end_attempt(AttemptEnd::busy, {}, message.reason, doubt_about_refusal(message.reason));
}

void RemoteUnit::result(wire::RunResult message, wire::Frames raw) {
  const TimePoint now = farm_.reactor.now();
  trace_.remote += now - phase_began_;
  phase_began_ = now;
  times_.ended = now;
  times_.usage = trace_.usage = message.result.usage;
  for (const auto& output : message.result.outputs) times_.bytes_out += output.size;
  farm_.logs.tasks.debug("result_received", {{"attempt", log_id(attempt_)},
                                             {"outcome", name(message.result.outcome)},
                                             {"exit_code", message.result.exit_code},
                                             {"bytes", times_.bytes_out}});
  // The slot is free from here on: the next task of this build need not wait for our disk.
  farm_.leases.give_back(std::exchange(lease_, std::nullopt)->lease.id);
  const Outcome outcome = message.result.outcome;
  farm_.reactor.cancel(std::exchange(timer_, 0));
  if (outcome != Outcome::exited && outcome != Outcome::signalled)
    return ended_otherwise(std::move(message), std::move(raw));
  result_ = std::make_shared<wire::RunResult>(std::move(message));
  raw_ = std::make_shared<wire::Frames>(std::move(raw));
  fetch_outputs(outputs_to_fetch(*result_));
}

// What was written until then is worth having where the task is not run again.
void RemoteUnit::ended_otherwise(wire::RunResult message, wire::Frames raw) {
  tell(wire::Ack{attempt_});
  const Outcome outcome = message.result.outcome;
  const std::string why = message.result.message;
  const bool is_limit = outcome == Outcome::time_limit || outcome == Outcome::memory_limit ||
                        outcome == Outcome::output_limit;
  if (settings_.fallback || !is_limit) return end_attempt(AttemptEnd::result, outcome, why);
  writing_ = true;
  auto streams = std::make_shared<Result<Streams>>();
  auto result = std::make_shared<const wire::RunResult>(std::move(message));
  farm_.reactor.offload(
      farm_.io, [streams, result, raw = std::move(raw)] { *streams = read_streams(*result, raw); },
      guarded([this, streams, outcome, why] {
        if (*streams) kept_ = std::move(**streams);
        end_attempt(AttemptEnd::result, outcome, why);
      }));
}

void RemoteUnit::fetch_outputs(std::vector<Digest> wanted) {
  if (wanted.empty()) return write();
  const Digest next = wanted.back();
  wanted.pop_back();
  link_->bulk().get(next, [self = self_, attempt = attempt_, wanted](const Status& got) {
    RemoteUnit* unit = *self;
    if (unit == nullptr || unit->attempt_ != attempt) return;
    if (got) return unit->fetch_outputs(wanted);
    unit->result_is_invalid("an output could not be fetched: " + got.error().message);
  });
}

void RemoteUnit::write() {
  writing_ = true;
  auto streams = std::make_shared<Result<Streams>>();
  auto status = std::make_shared<Status>();
  auto doubt = std::make_shared<std::string>();
  farm_.reactor.offload(
      farm_.io,
      [&spool = farm_.spool, unit = unit_, message = result_, raw = raw_, policy = retry_,
       wanted = wanted_, streams, status, doubt] {
        *streams = read_streams(*message, *raw);
        if (!*streams) return;
        // clang speaks English everywhere.
        const bool translated =
            unit->family != CompilerFamily::clang && translates(unit->task.environment);
        *doubt = doubt_about(message->result, (*streams)->err, translated);
        if (doubt->empty() && unit->is_compile && !unit->task.outputs.empty())
          *doubt = doubt_about_object(message->result, unit->task.outputs.front());
        if (is_believed(policy, *doubt))
          *status = write_outputs(*unit, *message, *raw, spool, *wanted);
      },
      guarded([this, streams, status, doubt] { written(*status, *streams, *doubt); }));
}

void RemoteUnit::written(const Status& status, const Result<Streams>& streams,
                         const std::string& doubt) {
  times_.written = farm_.reactor.now();
  trace_.write += times_.written - phase_began_;
  if (!streams) return result_is_invalid(streams.error().message);
  if (!status && status.error().code == Errc::corrupt)
    return result_is_invalid(status.error().message);
  tell(wire::Ack{attempt_});
  // What cannot be written here is the compiler's to say, in its own words.
  if (!status) {
    attempt_over();
    note_end(trace_.attempts, "output_not_written");
    return finish(
        {settings_.fallback ? Step::Kind::locally : Step::Kind::fail, "output_not_written"},
        status.error().message);
  }
  if (!is_believed(retry_, doubt)) {
    kept_ = *streams;
    return end_attempt(AttemptEnd::result, result_->result.outcome, "", doubt);
  }
  farm_.logs.tasks.debug("attempt_done", {{"call", unit_->call}, {"attempt", log_id(attempt_)}});
  UnitOutcome outcome;
  outcome.exit_code = result_->result.exit_code;
  outcome.signal = result_->result.outcome == Outcome::signalled ? result_->result.signal : 0;
  outcome.out = streams->out;
  outcome.err = streams->err;
  outcome.missing_outputs = not_written(unit_->task, result_->result);
  note_end(trace_.attempts, std::string(name(result_->result.outcome)));
  outcome.trace = trace_;
  attempt_over();
  auto done = std::move(done_);
  done(std::move(outcome));
}

void RemoteUnit::attempt_over() {
  if (timer_ != 0) farm_.reactor.cancel(std::exchange(timer_, 0));
  if (std::exchange(link_, nullptr) != nullptr) farm_.workers.detach(attempt_);
  if (lease_) farm_.leases.spoil(std::exchange(lease_, std::nullopt)->lease.id);
  packing_ = run_sent_ = accepted_ = writing_ = supplying_ = false;
  unanswered_ = uploads_failed_ = 0;
  garbled_ = {};
  queued_since_.reset();
  needed_.clear();
  uploading_.clear();
  result_.reset();
  raw_.reset();
  attempt_ = {};
}

void RemoteUnit::note_end(std::vector<AttemptTrace>& where, const std::string& outcome) {
  times_.outcome = outcome;
  if (times_.ended == TimePoint{}) times_.ended = farm_.reactor.now();
  where.push_back(std::exchange(times_, {}));
}

void RemoteUnit::end_attempt(AttemptEnd end, Outcome outcome, const std::string& detail,
                             const std::string& doubt) {
  const std::string worker = trace_.node;
  const AttemptId attempt = attempt_;
  attempt_over();
  const Step step = next_step(retry_, history_, end, outcome, worker, doubt);
  log_end(attempt, end, step, detail);
  note_end(end == AttemptEnd::no_lease ? trace_.waits : trace_.attempts, step.reason);
  const std::string& said = detail.empty() ? step.reason : detail;
  if (step.kind != Step::Kind::retry) return finish(step, said + earlier_);
  if (end != AttemptEnd::busy) earlier_ = "; before that " + worker + ": " + said;
  const Duration delay = end == AttemptEnd::busy ? history_.busy * kBusyDelay : Duration{};
  timer_ = farm_.reactor.call_after(delay, [this] {
    timer_ = 0;
    acquire();
  });
}

// A node that is busy, and a farm without room, are nobody's failure.
void RemoteUnit::log_end(const AttemptId& attempt, AttemptEnd end, const Step& step,
                         const std::string& detail) {
  const auto& log = farm_.logs.tasks;
  const bool is_again = step.kind == Step::Kind::retry;
  if (attempt.number == 0) {
    return log.debug("lease_not_had", {{"call", unit_->call},
                                       {"task", unit_->task.label},
                                       {"reason", step.reason},
                                       {"detail", detail}});
  }
  if (end == AttemptEnd::busy) {
    return log.debug("attempt_refused",
                     {{"attempt", log_id(attempt)}, {"node", trace_.node}, {"reason", detail}});
  }
  log.warning("attempt_failed", {{"call", unit_->call},
                                 {"attempt", log_id(attempt)},
                                 {"node", trace_.node},
                                 {"task", unit_->task.label},
                                 {"reason", step.reason},
                                 {"detail", detail},
                                 {"next", is_again ? "another node" : "no other node"}});
}

void RemoteUnit::finish(const Step& step, const std::string& detail) {
  UnitOutcome outcome;
  outcome.kind = step.kind;
  outcome.reason = step.reason;
  outcome.detail = detail;
  outcome.out = std::move(kept_.out);
  outcome.err = std::move(kept_.err);
  outcome.trace = trace_;
  auto done = std::move(done_);
  done(std::move(outcome));
}

}  // namespace kiln::client
