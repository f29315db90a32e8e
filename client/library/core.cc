#include "client/library/core.h"

#include <algorithm>
#include <csignal>
#include <system_error>
#include <utility>
#include <variant>

#include <poll.h>
#include <sys/eventfd.h>

#include "client/library/errors.h"

namespace kiln::v1 {
namespace {

// Tasks wait as they are until there is room on the way: their bytes are kept once only.
constexpr std::size_t kBacklog = std::size_t{256} << 10;

Error failed_open(const kiln::Error& why) {
  const bool is_old = why.code == Errc::unsupported || why.code == Errc::version_mismatch;
  Error error = error_of(is_old ? Failure::unsupported : Failure::no_agent, why.message);
  error.reason = kiln::name(why.code);
  return error;
}

Error closed_error() {
  return error_of(Failure::closed, "the client or pool was closed");
}

// Signals are for the program's own threads.
std::thread start_thread(std::function<void()> body) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(body));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

Result<std::shared_ptr<Core>> Core::start(Setup setup) {
  auto opened = setup.open();
  if (!opened) return failed_open(opened.error());
  std::shared_ptr<Core> core(new Core(std::move(setup)));
  if (!core->wakeup_.valid()) return error_of(Failure::internal, "cannot make an event descriptor");
  core->link_.emplace(std::move(opened->fd));
  core->heard_ = Clock::now();
  core->flight_.set_window(opened->tasks);
  // Until it has its own id nobody can be on it.
  const Lock lock(core->mutex_);
  try {
    core->thread_ = start_thread([core] { core->run(); });
  } catch (const std::system_error& error) {
    return error_of(Failure::internal, std::string("cannot start a thread: ") + error.what());
  }
  core->thread_id_ = core->thread_.get_id();
  return core;
}

Core::Core(Setup setup)
    : setup_(std::move(setup)),
      wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      flight_(setup_.max_pending) {}

// The thread holds the core, so it is over or, where a callback closed the client, it is this one.
Core::~Core() {
  if (thread_.joinable()) thread_.detach();
}

Core::Owner Core::new_owner() {
  const Lock lock(mutex_);
  owners_.insert(++last_owner_);
  return last_owner_;
}

Future Core::submit(Owner owner, wire::SessionTask message, std::string name,
                    TaskCallback callback) {
  Lock lock(mutex_);
  message.number = ++last_number_;
  auto task = std::make_shared<PendingTask>(weak_from_this(), message.number, std::move(name));
  Future future(task);
  const bool is_closed = stopping_ || !owners_.contains(owner);
  // There may be no thread any more that could call it.
  const bool calls_later = callback && !is_closed;
  if (calls_later) task->keep(callback);
  std::optional<Error> refusal;
  if (is_closed) {
    refusal = closed_error();
  } else if (message.argv.empty()) {
    refusal = error_of(Failure::invalid_argument, "a task needs an argv");
  } else if (!flight_.add(owner, std::move(message), task)) {
    refusal =
        error_of(Failure::overloaded, std::to_string(setup_.max_pending) +
                                          " tasks are pending already (Options::max_pending)");
  }
  if (refusal) refusal->task = task->name();
  if (refusal && calls_later) {
    end(std::move(task), std::move(*refusal));
  } else if (refusal) {
    task->end(std::move(*refusal));
    lock.unlock();
    if (callback) call(callback, *future.task_->result(), this);
    return future;
  }
  wake();
  return future;
}

void Core::cancel(std::uint64_t number) {
  const Lock lock(mutex_);
  Flight::TaskPtr task;
  const auto step = flight_.cancel(number, task);
  if (step == Flight::Cancel::unknown) return;
  if (step == Flight::Cancel::was_sent) {
    cancels_.push_back(number);
  } else {
    Error error = error_of(Failure::cancelled, "cancelled before it was sent");
    error.task = task->name();
    end(std::move(task), std::move(error));
  }
  wake();
}

Result<std::string> Core::command(wire::Command command) {
  auto question = std::make_shared<Question>();
  question->command = std::move(command);
  Lock lock(mutex_);
  if (stopping_) return closed_error();
  if (on_own_thread())
    return error_of(Failure::invalid_argument, "this call blocks: it is not for callbacks");
  questions_.push_back(question);
  wake();
  changed_.wait(lock, [&] { return question->answer.has_value(); });
  return std::move(*question->answer);
}

bool Core::pause(Duration time) {
  Lock lock(mutex_);
  return !changed_.wait_for(lock, time, [this] { return stopping_; });
}

void Core::close_owner(Owner owner) {
  Lock lock(mutex_);
  owners_.erase(owner);
  auto dropped = flight_.drop(owner);
  for (auto& task : dropped.tasks) {
    Error error = closed_error();
    error.task = task->name();
    end(std::move(task), std::move(error));
  }
  cancels_.insert(cancels_.end(), dropped.sent.begin(), dropped.sent.end());
  wake();
  if (on_own_thread()) return;
  const auto goal = to_deliver_;
  changed_.wait(lock, [&] { return delivered_ >= goal; });
}

void Core::close() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
    wake();
    changed_.notify_all();
    if (on_own_thread()) return;
  }
  const std::lock_guard join(join_mutex_);
  if (thread_.joinable()) thread_.join();
}

std::size_t Core::pending() const {
  const Lock lock(mutex_);
  return flight_.pending();
}

std::uint64_t Core::dropped_exceptions() const {
  const Lock lock(mutex_);
  return dropped_exceptions_;
}

void Core::call(const TaskCallback& callback, const Result<TaskResult>& result, Core* core) {
  try {
    callback(result);
  } catch (...) {
    if (core == nullptr) return;
    const Lock lock(core->mutex_);
    ++core->dropped_exceptions_;
  }
}

bool Core::stopping() const {
  const Lock lock(mutex_);
  return stopping_;
}

void Core::wake() {
  if (std::exchange(awake_, true)) return;
  static_cast<void>(::eventfd_write(wakeup_.get(), 1));
}

void Core::end(Flight::TaskPtr task, Result<TaskResult> result) {
  ++to_deliver_;
  ended_.push_back({std::move(task), std::move(result)});
}

// ---- The thread
// ------------------------------------------------------------------------------------

void Core::run() {
  {
    const Lock lock(mutex_);  // start() has it until all is in place
  }
  while (!stopping()) turn();
  {
    const Lock lock(mutex_);
    end_all(closed_error());
  }
  deliver();
  link_.reset();
}

void Core::turn() {
  connect_if_wanted();
  if (link_) fill();
  if (link_) {
    if (const auto sent = link_->flush(); !sent)
      lose(error_of(Failure::agent_lost, sent.error().message));
  }
  deliver();
  wait();
  if (link_) take_in();
  if (link_) check_silence();
  deliver();
}

void Core::connect_if_wanted() {
  {
    const Lock lock(mutex_);
    if (link_ || (flight_.waiting() == 0 && questions_.empty())) return;
  }
  auto opened = setup_.open();
  if (!opened) return lose(failed_open(opened.error()));
  link_.emplace(std::move(opened->fd));
  heard_ = Clock::now();
  asked_ = false;
  const Lock lock(mutex_);
  flight_.set_window(opened->tasks);
}

// Takes what is to be sent, as far as there is room.
void Core::fill() {
  const auto next = [this]() -> std::optional<wire::Message> {
    const Lock lock(mutex_);
    if (!cancels_.empty()) {
      const wire::SessionCancel message{cancels_.front()};
      cancels_.pop_front();
      return message;
    }
    if (!asked_question_ && !questions_.empty()) {
      asked_question_ = std::move(questions_.front());
      questions_.pop_front();
      return asked_question_->command;
    }
    auto task = flight_.next();
    if (!task) return std::nullopt;
    return std::move(*task);
  };
  while (link_->backlog() < kBacklog) {
    const auto message = next();
    if (!message) return;
    link_->queue(*message);
  }
}

void Core::wait() {
  struct pollfd items[2] = {};
  items[0].fd = wakeup_.get();
  items[0].events = POLLIN;
  items[1].fd = link_ ? link_->fd() : -1;
  items[1].events = POLLIN;
  if (link_ && link_->backlog() > 0) items[1].events |= POLLOUT;
  int timeout = -1;
  {
    const Lock lock(mutex_);
    const bool expects = link_ && (flight_.sent() > 0 || asked_question_);
    const auto part = std::chrono::duration_cast<milliseconds>(setup_.silence / 4).count();
    if (expects) timeout = static_cast<int>(std::clamp<long long>(part, 1, 3'600'000));
    if (!expects) heard_ = Clock::now();
  }
  static_cast<void>(::poll(items, 2, timeout));
  const Lock lock(mutex_);
  if (!std::exchange(awake_, false)) return;
  eventfd_t count = 0;
  static_cast<void>(::eventfd_read(wakeup_.get(), &count));
}

void Core::take_in() {
  auto received = link_->receive();
  if (!received) return lose(error_of(Failure::agent_lost, received.error().message));
  if (received->empty()) return;
  heard_ = Clock::now();
  asked_ = false;
  for (auto& envelope : *received) {
    if (link_) handle(std::move(envelope));
  }
}

void Core::handle(wire::Envelope envelope) {
  if (const auto* result = std::get_if<wire::SessionResult>(&envelope.message)) {
    const Lock lock(mutex_);
    auto task = flight_.end(result->number);
    if (!task) return;
    auto outcome = result_of(*result, std::move(envelope.raw), task->name());
    if (outcome)
      outcome->timings.total =
          std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - task->begun());
    end(std::move(task), std::move(outcome));
  } else if (const auto* reply = std::get_if<wire::CommandReply>(&envelope.message)) {
    envelope.raw.resize(1);
    const Lock lock(mutex_);
    if (reply->error.empty()) return answer(std::move(envelope.raw[0]));
    answer(command_error(errc_of(reply->code), reply->error));
  } else if (const auto* refusal = std::get_if<wire::Refused>(&envelope.message)) {
    lose(error_of(Failure::agent_lost, "the agent has ended the session: " + refusal->reason));
  }
}

// A connection that stays open may belong to an agent that is stuck.
void Core::check_silence() {
  const TimePoint now = Clock::now();
  if (now - heard_ < setup_.silence / 4) return;
  if (!std::exchange(asked_, true)) {
    // When it is we who stood still, in a callback or a debugger, it has not been asked yet.
    heard_ = std::max(heard_, now - setup_.silence / 4);
    link_->queue(wire::Ping{1});
  } else if (now - heard_ >= setup_.silence) {
    lose(error_of(Failure::agent_lost, "the agent does not answer any more"));
  }
}

void Core::lose(const Error& why) {
  link_.reset();
  const Lock lock(mutex_);
  flight_.set_window(0);
  end_all(why);
}

void Core::end_all(const Error& why) {
  for (auto& task : flight_.take_all()) {
    Error error = why;
    error.task = task->name();
    end(std::move(task), std::move(error));
  }
  cancels_.clear();
  while (asked_question_ || !questions_.empty()) {
    if (!asked_question_) {
      asked_question_ = std::move(questions_.front());
      questions_.pop_front();
    }
    answer(why);
  }
}

void Core::answer(Result<std::string> answer) {
  if (!asked_question_) return;
  asked_question_->answer = std::move(answer);
  asked_question_ = nullptr;
  changed_.notify_all();
}

void Core::deliver() {
  while (true) {
    std::deque<Ended> ended;
    {
      const Lock lock(mutex_);
      ended.swap(ended_);
    }
    if (ended.empty()) return;
    for (auto& [task, result] : ended) {
      const auto callbacks = task->end(std::move(result));
      for (const auto& callback : callbacks) call(callback, *task->result(), this);
    }
    const Lock lock(mutex_);
    delivered_ += ended.size();
    changed_.notify_all();
  }
}

}  // namespace kiln::v1
