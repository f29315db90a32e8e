// The part of a host's state that is about inits and the tasks that they have.
#include <algorithm>
#include <utility>
#include <vector>

#include <sys/timerfd.h>
#include <unistd.h>

#include "worker/executor/host_state.h"

namespace kiln::worker {

void ExecutorHost::State::set_timer() {
  auto first = TimePoint::max();
  for (const auto& [id, executor] : executors) {
    if (executor.running) first = std::min(first, executor.running->patience_ends);
  }
  if (first == TimePoint::max()) return;  // what is set already does no harm
  const auto left = std::max(first - Clock::now(), Duration(1));
  const auto whole = std::chrono::duration_cast<seconds>(left);
  itimerspec next{};
  next.it_value.tv_sec = whole.count();
  next.it_value.tv_nsec = std::chrono::nanoseconds(left - whole).count();
  ::timerfd_settime(timer.get(), 0, &next, nullptr);
}

// Gives up executors whose cancelled task does not end: their hang-up kills what can be killed.
void ExecutorHost::State::look_at_clock(TimePoint now, ExecutorEvents& events) {
  std::uint64_t expirations = 0;
  static_cast<void>(!::read(timer.get(), &expirations, sizeof expirations));
  std::vector<ExecutorId> overdue;
  for (const auto& [id, executor] : executors) {
    if (executor.running && executor.running->patience_ends <= now) overdue.push_back(id);
  }
  for (const auto id : overdue) {
    const auto at = executors.find(id);
    if (at != executors.end()) bury(at, "did not end its cancelled task in time", events);
  }
  set_timer();
}

void ExecutorHost::State::add_init(Executors::iterator at, LocalMessage message,
                                   ExecutorEvents& events) {
  const auto said = unpack<InitMessage>(message.body);
  if (!said || message.descriptors.size() != 1) return;
  Init init{said->number, said->pid, Channel(std::move(message.descriptors.front()))};
  at->second.pid = said->executor;
  // Without it the init sees a hang-up, and another takes its place.
  if (!watch(init.channel.fd(), tag_of(static_cast<std::uint64_t>(at->first), init.number))) return;
  at->second.waiting.push_back(std::move(init));
  if (at->second.running) return start_waiting(at->second);
  if (std::exchange(at->second.ready, true) || at->second.stopping) return;
  events.executor_ready(at->first);
}

// Hands the task, if none has it yet, to an init. One that is dead costs nothing: the executor will
// bring another. One that lives but cannot be reached is told so by the hang-up of its channel.
void ExecutorHost::State::start_waiting(Executor& executor) {
  auto& running = *executor.running;
  while (running.task && !executor.waiting.empty()) {
    auto init = std::move(executor.waiting.front());
    executor.waiting.pop_front();
    auto sent = init.channel.send_packed(MessageKind::run, *running.task);
    if (!sent && sent.error().code == Errc::unavailable) continue;
    if (!sent && !executor.waiting.empty()) continue;
    if (!sent) {
      running.unsent = sent.error().within("cannot hand a task to its init");
      init.channel.close();
    } else if (running.cancelled) {
      static_cast<void>(init.channel.send(MessageKind::cancel));
    } else if (running.terminated) {
      static_cast<void>(init.channel.send(MessageKind::terminate));
    }
    running.task.reset();
    running.init = std::move(init);
  }
}

// A hang-up is only noted: the executor tells why, once the init is dead.
void ExecutorHost::State::read_init(Executors::iterator at, std::uint32_t number,
                                    ExecutorEvents& events) {
  auto& executor = at->second;
  if (!executor.running || !executor.running->init || executor.running->init->number != number) {
    std::erase_if(executor.waiting, [number](const Init& init) { return init.number == number; });
    return;
  }
  auto& channel = executor.running->init->channel;
  if (channel.fd() < 0) return;
  auto received = channel.receive();
  if (!received) return channel.close();
  if (*received) finish(at, std::move(**received), events);
}

void ExecutorHost::State::lose_init(Executors::iterator at, const LostMessage& lost,
                                    ExecutorEvents& events) {
  read_init(at, lost.number, events);
  const auto& running = at->second.running;
  if (!running || !running->init || running->init->number != lost.number) return;
  lose_task(at, running->unsent ? running->unsent->message : "the task's init " + lost.reason,
            events);
}

void ExecutorHost::State::end_task(Executors::iterator at, RunReport report,
                                   ExecutorEvents& events) {
  auto& executor = at->second;
  report.attempt = executor.running->attempt;
  report.workspace = std::move(executor.running->workspace);
  executor.running.reset();
  if (executor.stopping) static_cast<void>(executor.channel.send(MessageKind::stop));
  events.task_finished(at->first, std::move(report));
}

void ExecutorHost::State::finish(Executors::iterator at, LocalMessage message,
                                 ExecutorEvents& events) {
  auto finished = unpack<FinishedMessage>(message.body);
  if (!finished) return;
  auto& end = finished->end;
  RunReport report;
  report.outcome = end.outcome;
  report.exit_code = end.exit_code;
  report.signal = end.signal;
  report.message = std::move(end.message);
  report.nodes_fault = end.nodes_fault;
  report.terminated = end.terminated;
  report.forked = finished->forked;
  report.usage = end.usage;
  report.outputs = std::move(end.outputs);
  report.standard_output.bytes = end.stdout_bytes;
  report.standard_error.bytes = end.stderr_bytes;
  auto& files = message.descriptors;
  std::size_t next = 0;
  if (end.stdout_bytes > 0 && next < files.size()) {
    report.standard_output.file = std::move(files.at(next++));
  }
  if (end.stderr_bytes > 0 && next < files.size()) {
    report.standard_error.file = std::move(files.at(next));
  }
  if (finished->again) at->second.waiting.push_back(std::move(*at->second.running->init));
  end_task(at, std::move(report), events);
}

void ExecutorHost::State::lose_task(Executors::iterator at, const std::string& message,
                                    ExecutorEvents& events) {
  RunReport report;
  report.outcome = Outcome::executor_lost;
  report.message = message;
  end_task(at, std::move(report), events);
}

}  // namespace kiln::worker
