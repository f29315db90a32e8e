#include "client/agent/remote_unit.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "client/agent/output_writer.h"

namespace kiln::client {
namespace {

// From RUN to its ACCEPTED or BUSY; only a worker that cannot read us stays silent longer.
constexpr Duration kAcceptLimit = seconds(10);
// How long a call waits for a slot. Without fallback there is nothing better to do than to wait.
constexpr Duration kPatience = seconds(10);
constexpr Duration kPatienceWithoutFallback = seconds(60);
constexpr Duration kBusyDelay = milliseconds(10);

// The compiler says that a file is not there which the lister had found here.
bool names_missing_input(const std::string& err) {
  return err.find("No such file or directory") != std::string::npos ||
         err.find("file not found") != std::string::npos;
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
  if (ticket_ != 0) farm_.leases.forget(ticket_);
  if (timer_ != 0) farm_.reactor.cancel(timer_);
  if (link_ != nullptr && run_sent_) static_cast<void>(link_->send(wire::Cancel{attempt_}));
  if (link_ != nullptr) farm_.workers.detach(attempt_);
  if (lease_) farm_.leases.spoil(lease_->lease.id);
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
  LeaseWish wish;
  wish.toolchain = unit_->task.toolchain;
  wish.architecture = unit_->toolchain->architecture;
  wish.pool = settings_.pool;
  wish.key = unit_->source;
  wish.build = settings_.build.empty() ? farm_.default_build : settings_.build;
  wish.priority = settings_.priority;
  wish.size_hint_bytes = unit_->inputs->bytes;
  wish.excluded = history_.excluded;
  wish.patience = settings_.fallback ? kPatience : kPatienceWithoutFallback;
  wish.insists = !settings_.fallback;
  ticket_ = farm_.leases.wait(std::move(wish), [this](Result<HeldLease> lease) {
    ticket_ = 0;
    leased(std::move(lease));
  });
}

void RemoteUnit::leased(Result<HeldLease> lease) {
  const TimePoint now = farm_.reactor.now();
  trace_.acquire += now - phase_began_;
  phase_began_ = now;
  if (!lease) return end_attempt(AttemptEnd::no_lease, {}, lease.error().message, false);
  lease_ = std::move(*lease);
  attempt_ = {farm_.client_epoch, ++farm_.last_attempt};
  trace_.node = lease_->lease.worker;
  auto link = farm_.workers.attach(*lease_, attempt_, *this);
  if (!link) return end_attempt(AttemptEnd::worker_lost, {}, link.error().message, false);
  link_ = *link;
  if (link_->state() == WorkerLink::State::ready) send_run();
}

void RemoteUnit::worker_ready() {
  if (run_sent_) {
    static_cast<void>(link_->send(wire::Reclaim{attempt_}));
  } else {
    send_run();
  }
}

void RemoteUnit::send_run() {
  // The pool thread must not touch the link: it gets its own copy of what is known.
  auto known = std::make_shared<std::vector<Digest>>();
  for (const auto& file : unit_->inputs->files) {
    if (link_->known(file.digest)) known->push_back(file.digest);
  }
  for (const auto* listings : {&unit_->inputs->listings, &unit_->toolchain->listings}) {
    for (const auto& [digest, bytes] : *listings) {
      if (link_->known(digest)) known->push_back(digest);
      link_->learn(digest);
    }
  }
  const bool with_toolchain =
      std::find(known->begin(), known->end(), unit_->toolchain->root) == known->end();
  for (const auto& file : unit_->inputs->files) link_->learn(file.digest);
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
      guarded([this, parcel] {
        wire::Run run{lease_->lease, attempt_, unit_->task, std::move(parcel->blobs),
                      lease_->toolchain_sources};
        run_sent_ = true;
        const auto sent = link_->send(run, std::move(parcel->raw));
        if (!sent) return end_attempt(AttemptEnd::worker_lost, {}, sent.error().message, false);
        timer_ = farm_.reactor.call_after(kAcceptLimit, [this] {
          timer_ = 0;
          end_attempt(AttemptEnd::worker_lost, {}, "the worker did not answer RUN", false);
        });
      }));
}

void RemoteUnit::worker_lost() {
  link_ = nullptr;
  end_attempt(AttemptEnd::worker_lost, {}, "the connection to the worker was lost", false);
}

void RemoteUnit::worker_message(wire::Envelope envelope) {
  if (timer_ != 0) farm_.reactor.cancel(std::exchange(timer_, 0));
  if (const auto* refusal = std::get_if<wire::Busy>(&envelope.message)) {
    busy(*refusal);
  } else if (const auto* wanted = std::get_if<wire::Need>(&envelope.message)) {
    need(*wanted);
  } else if (auto* ended = std::get_if<wire::RunResult>(&envelope.message)) {
    result(std::move(*ended), std::move(envelope.raw));
  } else if (std::holds_alternative<wire::Unknown>(envelope.message)) {
    end_attempt(AttemptEnd::worker_lost, {}, "the worker does not know the task any more", false);
  }
}

void RemoteUnit::busy(const wire::Busy& message) {
  end_attempt(AttemptEnd::busy, {}, message.reason, false);
}

void RemoteUnit::need(const wire::Need& message) {
  auto delivery = std::make_shared<Delivery>();
  farm_.reactor.offload(
      farm_.io,
      [unit = unit_, delivery, wanted = message.digests] { *delivery = deliver(*unit, wanted); },
      guarded([this, delivery] { send_delivery(*delivery); }));
}

void RemoteUnit::send_delivery(const Delivery& delivery) {
  if (!delivery.parcel.blobs.empty() || !delivery.missing.empty()) {
    static_cast<void>(link_->send(wire::Supply{attempt_, delivery.parcel.blobs, delivery.missing},
                                  delivery.parcel.raw));
  }
  for (const auto& file : delivery.uploads) upload(file);
}

void RemoteUnit::upload(const InputFile& file) {
  farm_.uploads.add(file.digest, file.path);
  link_->bulk().put(file.digest, [&farm = farm_, digest = file.digest, self = self_,
                                  attempt = attempt_](const Status& status) {
    farm.uploads.remove(digest);
    RemoteUnit* unit = *self;
    if (status || unit == nullptr || unit->attempt_ != attempt || unit->link_ == nullptr) return;
    farm.log.warning("upload failed", {{"blob", digest.short_hex()}, {"error", status.error()}});
    static_cast<void>(unit->link_->send(wire::Supply{attempt, {}, {digest}}));
  });
}

void RemoteUnit::result(wire::RunResult message, wire::Frames raw) {
  if (result_) return;  // sent again after a reclaim
  const TimePoint now = farm_.reactor.now();
  trace_.remote += now - phase_began_;
  phase_began_ = now;
  trace_.usage = message.result.usage;
  // The slot is free from here on: the next task of this build need not wait for our disk.
  farm_.leases.give_back(std::exchange(lease_, std::nullopt)->lease.id);
  const Outcome outcome = message.result.outcome;
  if (outcome != Outcome::exited && outcome != Outcome::signalled) {
    static_cast<void>(link_->send(wire::Ack{attempt_}));
    return end_attempt(AttemptEnd::result, outcome, message.result.message, false);
  }
  result_ = std::make_shared<wire::RunResult>(std::move(message));
  raw_ = std::make_shared<wire::Frames>(std::move(raw));
  fetch_outputs(outputs_to_fetch(*result_));
}

void RemoteUnit::fetch_outputs(std::vector<Digest> wanted) {
  if (wanted.empty()) return write();
  const Digest next = wanted.back();
  wanted.pop_back();
  link_->bulk().get(next, [self = self_, attempt = attempt_, wanted](const Status& got) {
    RemoteUnit* unit = *self;
    if (unit == nullptr || unit->attempt_ != attempt) return;
    if (got) return unit->fetch_outputs(wanted);
    unit->end_attempt(AttemptEnd::result, Outcome::not_started,
                      "an output could not be fetched: " + got.error().message, false);
  });
}

void RemoteUnit::write() {
  auto streams = std::make_shared<Result<Streams>>();
  auto status = std::make_shared<Status>();
  farm_.reactor.offload(
      farm_.io,
      [&spool = farm_.spool, unit = unit_, message = result_, raw = raw_, streams, status,
       fallback = settings_.fallback] {
        *streams = read_streams(*message, *raw);
        const bool missing =
            *streams && message->result.exit_code != 0 && names_missing_input((*streams)->err);
        if (*streams && !missing) *status = write_outputs(*unit, *message, *raw, spool);
      },
      guarded([this, streams, status] { written(*status, *streams); }));
}

void RemoteUnit::written(const Status& status, const Result<Streams>& streams) {
  trace_.write += farm_.reactor.now() - phase_began_;
  if (link_ != nullptr) static_cast<void>(link_->send(wire::Ack{attempt_}));
  if (!streams) {
    return end_attempt(AttemptEnd::result, Outcome::not_started, streams.error().message, false);
  }
  // What cannot be written here is the compiler's to say, in its own words.
  if (!status) {
    attempt_over();
    trace_.attempts.emplace_back(trace_.node, "output_not_written");
    return finish(
        {settings_.fallback ? Step::Kind::locally : Step::Kind::fail, "output_not_written"},
        status.error().message);
  }
  const bool missing =
      result_->result.exit_code != 0 && names_missing_input(streams->err) && settings_.fallback;
  if (missing) return end_attempt(AttemptEnd::result, Outcome::exited, "", true);
  UnitOutcome outcome;
  outcome.exit_code = result_->result.exit_code;
  outcome.signal = result_->result.outcome == Outcome::signalled ? result_->result.signal : 0;
  outcome.out = streams->out;
  outcome.err = streams->err;
  trace_.attempts.emplace_back(trace_.node, std::string(name(result_->result.outcome)));
  outcome.trace = trace_;
  attempt_over();
  auto done = std::move(done_);
  done(std::move(outcome));
}

void RemoteUnit::attempt_over() {
  if (timer_ != 0) farm_.reactor.cancel(std::exchange(timer_, 0));
  if (std::exchange(link_, nullptr) != nullptr) farm_.workers.detach(attempt_);
  if (lease_) farm_.leases.spoil(std::exchange(lease_, std::nullopt)->lease.id);
  run_sent_ = false;
  result_.reset();
  raw_.reset();
  attempt_ = {};
}

void RemoteUnit::end_attempt(AttemptEnd end, Outcome outcome, const std::string& detail,
                             bool input_missing) {
  const std::string worker = trace_.node;
  attempt_over();
  const Step step = next_step(retry_, history_, end, outcome, worker, input_missing);
  if (end != AttemptEnd::no_lease) trace_.attempts.emplace_back(worker, step.reason);
  if (step.kind != Step::Kind::retry) return finish(step, detail);
  farm_.log.info("trying again", {{"task", unit_->task.label},
                                  {"worker", worker},
                                  {"reason", step.reason},
                                  {"detail", detail}});
  const Duration delay = end == AttemptEnd::busy ? history_.busy * kBusyDelay : Duration{};
  timer_ = farm_.reactor.call_after(delay, [this] {
    timer_ = 0;
    acquire();
  });
}

void RemoteUnit::finish(Step step, const std::string& detail) {
  UnitOutcome outcome;
  outcome.kind = step.kind;
  outcome.reason = step.reason;
  outcome.detail = detail;
  outcome.trace = trace_;
  auto done = std::move(done_);
  done(std::move(outcome));
}

}  // namespace kiln::client
