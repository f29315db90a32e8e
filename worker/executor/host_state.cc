#include "worker/executor/host_state.h"

#include <cerrno>
#include <utility>

#include <sys/epoll.h>

namespace kiln::worker {

Status ExecutorHost::State::watch(int fd, std::uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0) return {};
  return fail_errno("cannot watch an executor", errno);
}

Result<Channel> ExecutorHost::State::ask(Channel& forker, MessageKind kind,
                                         const CreateMessage& create) {
  KILN_TRY_ASSIGN(auto pair, Channel::make_pair());
  KILN_TRY(watch(pair.first.fd(), tag_of(create.id)));
  KILN_TRY(forker.send_packed(kind, create, {pair.second.fd()}));
  return std::move(pair.first);
}

void ExecutorHost::State::read_ready(std::uint64_t tag, ExecutorEvents& events) {
  if (tag == kTimerTag) return look_at_clock(Clock::now(), events);
  if (tag == kNurseryTag) return read_nursery(events);
  if (const auto at = templates.find(TemplateId(tag >> 32U)); at != templates.end()) {
    return read_template(at, events);
  }
  const auto at = executors.find(ExecutorId(tag >> 32U));
  if (at == executors.end()) return;
  const auto init = static_cast<std::uint32_t>(tag);
  if (init == 0) return read_executor(at, events);
  read_init(at, init, events);
}

std::vector<ExecutorId> ExecutorHost::State::executors_of(TemplateId id) const {
  std::vector<ExecutorId> own;
  for (const auto& [executor, known] : executors) {
    if (known.parent == id) own.push_back(executor);
  }
  return own;
}

void ExecutorHost::State::read_nursery(ExecutorEvents& events) {
  while (nursery.fd() >= 0) {
    auto received = nursery.receive();
    if (!received) return give_up(events);
    if (!*received) return;
    const auto gone = unpack<GoneMessage>((*received)->body);
    if (!gone) return give_up(events);
    note_gone(*gone, events);
  }
}

void ExecutorHost::State::note_gone(const GoneMessage& gone, ExecutorEvents& events) {
  if (const auto at = executors.find(ExecutorId(gone.id)); at != executors.end()) {
    bury(at, gone.reason, events);
  } else if (const auto of = templates.find(TemplateId(gone.id)); of != templates.end()) {
    bury_template(of, gone.reason, events);
  }
}

// As read_executor, also called when the template is known dead.
void ExecutorHost::State::read_template(Templates::iterator at, ExecutorEvents& events) {
  while (at->second.channel.fd() >= 0) {
    auto received = at->second.channel.receive();
    if (received && !*received) return;
    if (!received) return at->second.channel.close();
    const auto& message = **received;
    if (message.kind == MessageKind::begun) {
      at->second.ready = true;
      if (!at->second.stopping) events.template_ready(at->first);
    } else if (message.kind == MessageKind::gone) {
      if (const auto gone = unpack<GoneMessage>(message.body)) note_gone(*gone, events);
    } else if (auto broken = unpack<BrokenMessage>(message.body)) {
      at->second.reason = Error{broken->code, std::move(broken->reason)};
    }
  }
}

void ExecutorHost::State::bury_template(Templates::iterator at, const std::string& reason,
                                        ExecutorEvents& events) {
  read_template(at, events);
  for (const auto id : executors_of(at->first)) {
    const auto executor = executors.find(id);
    if (executor != executors.end()) bury(executor, "died with its template", events);
  }
  const auto id = at->first;
  const auto dead = std::move(at->second);
  templates.erase(at);
  if (dead.stopping) return;
  const Error fallback{Errc::unavailable, "the template " + reason};
  events.template_died(id, dead.reason.value_or(fallback));
}

void ExecutorHost::State::stop_if_empty(TemplateId id) {
  const auto at = templates.find(id);
  if (at == templates.end() || !at->second.stopping || !executors_of(id).empty()) return;
  static_cast<void>(at->second.channel.send(MessageKind::stop));
}

// Whatever an executor sent before its end counts, so this is also called when it is known dead.
void ExecutorHost::State::read_executor(Executors::iterator at, ExecutorEvents& events) {
  while (at->second.channel.fd() >= 0) {
    auto received = at->second.channel.receive();
    if (received && !*received) return;
    if (received) {
      handle(at, std::move(**received), events);
    } else {
      at->second.channel.close();  // the nursery tells why, once all its processes are dead
    }
  }
}

void ExecutorHost::State::handle(Executors::iterator at, LocalMessage message,
                                 ExecutorEvents& events) {
  if (message.kind == MessageKind::ready) {
    add_init(at, std::move(message), events);
  } else if (message.kind == MessageKind::lost) {
    if (const auto lost = unpack<LostMessage>(message.body)) lose_init(at, *lost, events);
  } else if (message.kind == MessageKind::held) {
    if (auto held = unpack<HeldMessage>(message.body)) at->second.held = std::move(held->facts);
  } else if (auto broken = unpack<BrokenMessage>(message.body)) {
    at->second.reason = Error{broken->code, std::move(broken->reason)};
  }
}

void ExecutorHost::State::bury(Executors::iterator at, const std::string& reason,
                               ExecutorEvents& events) {
  read_executor(at, events);
  if (at->second.running && at->second.running->init) {
    read_init(at, at->second.running->init->number, events);
  }
  if (at->second.running) lose_task(at, "the task's executor " + reason, events);
  const auto id = at->first;
  const auto executor = std::move(at->second);
  executors.erase(at);
  if (executor.parent) stop_if_empty(*executor.parent);
  if (executor.stopping) return events.executor_stopped(id);
  const Error fallback{Errc::unavailable, "the executor " + reason};
  events.executor_died(id, executor.reason.value_or(fallback));
}

void ExecutorHost::State::give_up(ExecutorEvents& events) {
  nursery.close();
  while (!templates.empty()) bury_template(templates.begin(), "died with its nursery", events);
  while (!executors.empty()) bury(executors.begin(), "died with its nursery", events);
  events.host_failed(Error{Errc::unavailable,
                           "the nursery process is gone, so no executor can be made; "
                           "start the worker again"});
}

}  // namespace kiln::worker
