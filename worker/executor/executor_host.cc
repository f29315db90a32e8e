#include "worker/executor/executor_host.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/files.h"
#include "common/base/machine.h"
#include "worker/executor/channel.h"
#include "worker/executor/nursery.h"
#include "worker/executor/nursery_start.h"
#include "worker/executor/process.h"
#include "worker/executor/scratch.h"
#include "worker/sandbox/removal.h"

namespace kiln::worker {
namespace {

// Of epoll; executors count from 1, and theirs are larger.
constexpr std::uint64_t kNurseryTag = 0;
constexpr std::uint64_t kTimerTag = 1;

// The nursery's first word: its scratch directory, or why it cannot be one.
Result<UniqueFd> first_word(Channel& nursery) {
  pollfd watched{nursery.fd(), POLLIN, 0};
  while (::poll(&watched, 1, -1) < 0 && errno == EINTR) {
  }
  KILN_TRY_ASSIGN(auto received, nursery.receive());
  if (!received) return fail(Errc::internal, "the nursery said nothing");
  if (received->kind == MessageKind::begun && received->descriptors.size() == 1) {
    return std::move(received->descriptors.front());
  }
  KILN_TRY_ASSIGN(auto broken, unpack<BrokenMessage>(received->body));
  return fail(broken.code, std::move(broken.reason));
}

std::uint64_t memory_bytes_of(const HostOptions& options) {
  return options.memory_bytes > 0 ? options.memory_bytes : usable_memory_bytes() / 2;
}

// Its exit status, for describe_status.
int wait_for_end(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

Result<std::string> CapturedStream::read() const {
  if (bytes == 0) return std::string();
  if (!file.valid()) return fail(Errc::internal, "a task's captured output was lost on its way");
  std::string content(bytes, '\0');
  std::size_t at = 0;
  while (at < content.size()) {
    const auto count =
        ::pread(file.get(), content.data() + at, content.size() - at, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("cannot read a task's captured output", errno);
    if (count == 0) return fail(Errc::internal, "a task's captured output is shorter than counted");
    at += static_cast<std::size_t>(count);
  }
  return content;
}

Status release(const std::filesystem::path& workspace) {
  return workspace.empty() ? Status() : remove_tree(workspace);
}

struct ExecutorHost::State {
  struct Init {
    std::uint32_t number = 0;
    Channel channel;
  };
  struct Running {
    AttemptId attempt;
    std::filesystem::path workspace;
    std::optional<Init> init;        // none yet: both are just being replaced
    std::optional<RunMessage> task;  // until an init has it
    std::optional<Error> unsent;     // why no init could be given it
    bool cancelled = false;
    TimePoint patience_ends = TimePoint::max();  // after a cancel
  };
  struct Executor {
    Channel channel;
    std::deque<Init> waiting;  // inits
    bool ready = false;        // once and for all: its end is the nursery's to tell
    bool stopping = false;
    std::optional<Running> running;
    std::optional<Error> reason;  // what it said when it broke
  };
  using Executors = std::map<ExecutorId, Executor>;

  HostOptions options;
  UniqueFd lock;
  UniqueFd scratch;  // as the nursery sees it
  std::filesystem::path workspaces;
  UniqueFd epoll;
  UniqueFd timer;  // for the first cancelled task whose end is overdue
  pid_t nursery_pid = -1;
  Channel nursery;
  Executors executors;
  std::uint64_t last_executor = 0;
  std::uint64_t last_task = 0;

  // Of epoll: executors and their inits, which count from 1.
  static std::uint64_t tag_of(ExecutorId executor, std::uint32_t init = 0) {
    return static_cast<std::uint64_t>(executor) << 32U | init;
  }

  Status watch(int fd, std::uint64_t tag) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = tag;
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0) return {};
    return fail_errno("cannot watch an executor", errno);
  }

  Status wait_for_nursery();
  void set_timer();
  void look_at_clock(TimePoint now, ExecutorEvents& events);
  void read_nursery(ExecutorEvents& events);
  void read_executor(Executors::iterator at, ExecutorEvents& events);
  void handle(Executors::iterator at, LocalMessage message, ExecutorEvents& events);
  void add_init(Executors::iterator at, LocalMessage message, ExecutorEvents& events);
  void start_waiting(Executor& executor);
  void read_init(Executors::iterator at, std::uint32_t number, ExecutorEvents& events);
  void lose_init(Executors::iterator at, const LostMessage& lost, ExecutorEvents& events);
  void end_task(Executors::iterator at, RunReport report, ExecutorEvents& events);
  void finish(Executors::iterator at, LocalMessage message, ExecutorEvents& events);
  void lose_task(Executors::iterator at, const std::string& message, ExecutorEvents& events);
  void bury(Executors::iterator at, const std::string& reason, ExecutorEvents& events);
  void give_up(ExecutorEvents& events);
};

Status ExecutorHost::State::wait_for_nursery() {
  auto word = first_word(nursery);
  if (!word && word.error().code == Errc::unavailable) {
    nursery.close();
    const int status = wait_for_end(std::exchange(nursery_pid, -1));
    return fail(Errc::unavailable,
                options.nursery.string() + " " + describe_status(status) + " before it had begun");
  }
  KILN_TRY_ASSIGN(scratch, std::move(word));
  return {};
}

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

void ExecutorHost::State::read_nursery(ExecutorEvents& events) {
  while (nursery.fd() >= 0) {
    auto received = nursery.receive();
    if (!received) return give_up(events);
    if (!*received) return;
    const auto gone = unpack<GoneMessage>((*received)->body);
    if (!gone) return give_up(events);
    const auto at = executors.find(ExecutorId(gone->executor));
    if (at != executors.end()) bury(at, gone->reason, events);
  }
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
  } else if (auto broken = unpack<BrokenMessage>(message.body)) {
    at->second.reason = Error{broken->code, std::move(broken->reason)};
  }
}

void ExecutorHost::State::add_init(Executors::iterator at, LocalMessage message,
                                   ExecutorEvents& events) {
  const auto said = unpack<InitMessage>(message.body);
  if (!said || message.descriptors.size() != 1) return;
  Init init{said->number, Channel(std::move(message.descriptors.front()))};
  // Without it the init sees a hang-up, and another takes its place.
  if (!watch(init.channel.fd(), tag_of(at->first, init.number))) return;
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
  auto end = unpack<TaskEnd>(message.body);
  if (!end) return;
  RunReport report;
  report.outcome = end->outcome;
  report.exit_code = end->exit_code;
  report.signal = end->signal;
  report.message = std::move(end->message);
  report.nodes_fault = end->nodes_fault;
  report.usage = end->usage;
  report.outputs = std::move(end->outputs);
  report.standard_output.bytes = end->stdout_bytes;
  report.standard_error.bytes = end->stderr_bytes;
  auto& files = message.descriptors;
  std::size_t next = 0;
  if (end->stdout_bytes > 0 && next < files.size()) {
    report.standard_output.file = std::move(files.at(next++));
  }
  if (end->stderr_bytes > 0 && next < files.size()) {
    report.standard_error.file = std::move(files.at(next));
  }
  end_task(at, std::move(report), events);
}

void ExecutorHost::State::lose_task(Executors::iterator at, const std::string& message,
                                    ExecutorEvents& events) {
  RunReport report;
  report.outcome = Outcome::executor_lost;
  report.message = message;
  end_task(at, std::move(report), events);
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
  if (executor.stopping) return events.executor_stopped(id);
  const Error fallback{Errc::unavailable, "the executor " + reason};
  events.executor_died(id, executor.reason.value_or(fallback));
}

void ExecutorHost::State::give_up(ExecutorEvents& events) {
  nursery.close();
  while (!executors.empty()) bury(executors.begin(), "died with its nursery", events);
  events.host_failed(Error{Errc::unavailable,
                           "the nursery process is gone, so no executor can be made; "
                           "start the worker again"});
}

Result<std::unique_ptr<ExecutorHost>> ExecutorHost::start(HostOptions options) {
  auto state = std::make_unique<State>();
  KILN_TRY(make_directories(options.scratch));
  options.scratch = std::filesystem::absolute(options.scratch);
  ::chmod(options.scratch.c_str(), 0700);
  const ScratchLayout layout{options.scratch};
  KILN_TRY_ASSIGN(state->lock, lock_scratch(options.scratch));
  KILN_TRY(empty_scratch(layout));
  state->epoll.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!state->epoll.valid()) return fail_errno("cannot make an epoll set", errno);
  state->timer.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!state->timer.valid()) return fail_errno("cannot make a timer", errno);
  if (options.nursery.empty()) {
    KILN_TRY_ASSIGN(options.nursery, installed_nursery());
  }
  const auto program = options.nursery;
  KILN_TRY_ASSIGN(auto nursery, start_nursery(program, state->lock.get()));
  state->nursery_pid = nursery.pid;
  state->nursery = std::move(nursery.channel);
  state->options = std::move(options);
  std::unique_ptr<ExecutorHost> host(new ExecutorHost(std::move(state)));
  auto& own = *host->state_;
  const NurserySetup setup{::getpid(), layout.scratch, own.options.identity,
                           own.options.in_memory ? memory_bytes_of(own.options) : 0};
  const auto sent = own.nursery.send_packed(MessageKind::setup, setup);
  // One that is gone already left word why.
  if (!sent && sent.error().code != Errc::unavailable) return fail(sent.error());
  KILN_TRY(own.wait_for_nursery());
  own.workspaces = "/proc/self/fd/" + std::to_string(own.scratch.get());
  KILN_TRY(own.watch(own.nursery.fd(), kNurseryTag));
  KILN_TRY(own.watch(own.timer.get(), kTimerTag));
  return host;
}

ExecutorHost::ExecutorHost(std::unique_ptr<State> state) : state_(std::move(state)) {}

ExecutorHost::~ExecutorHost() {
  state_->executors.clear();
  state_->nursery.close();
  if (state_->nursery_pid > 0) wait_for_end(state_->nursery_pid);
  // Of tasks that ran to this moment, and of those whose release nobody came to. What stays in
  // spite of this is removed at the next start.
  static_cast<void>(remove_workspaces(state_->options.scratch));
}

int ExecutorHost::fd() const {
  return state_->epoll.get();
}

void ExecutorHost::on_readable(ExecutorEvents& events) {
  epoll_event ready[16];
  const int count = ::epoll_wait(state_->epoll.get(), ready, 16, 0);
  for (int i = 0; i < count; ++i) {
    const auto tag = ready[i].data.u64;
    const auto at = state_->executors.find(ExecutorId(tag >> 32U));
    const auto init = static_cast<std::uint32_t>(tag);
    if (tag == kTimerTag) {
      state_->look_at_clock(Clock::now(), events);
    } else if (tag == kNurseryTag) {
      state_->read_nursery(events);
    } else if (at != state_->executors.end() && init != 0) {
      state_->read_init(at, init, events);
    } else if (at != state_->executors.end()) {
      state_->read_executor(at, events);
    }
  }
}

const Identity& ExecutorHost::identity() const {
  return state_->options.identity;
}

const std::filesystem::path& ExecutorHost::workspaces() const {
  return state_->workspaces;
}

Result<ExecutorId> ExecutorHost::create(const ExecutorSpec& spec) {
  if (state_->nursery.fd() < 0) return fail(Errc::unavailable, "the nursery process is gone");
  KILN_TRY_ASSIGN(auto pair, Channel::make_pair());
  const auto id = ++state_->last_executor;
  KILN_TRY(state_->watch(pair.first.fd(), State::tag_of(ExecutorId(id))));
  KILN_TRY(state_->nursery.send_packed(MessageKind::create, CreateMessage{id, spec.hostname},
                                       {pair.second.fd()}));
  state_->executors[ExecutorId(id)].channel = std::move(pair.first);
  return ExecutorId(id);
}

Status ExecutorHost::run(ExecutorId id, const RunRequest& request) {
  const auto at = state_->executors.find(id);
  if (at == state_->executors.end() || !at->second.ready || at->second.stopping) {
    return fail(Errc::not_found, "no such executor is ready");
  }
  auto& executor = at->second;
  if (executor.running) return fail(Errc::already_exists, "the executor runs a task already");
  if (request.argv.empty() || request.lowers.empty()) {
    return fail(Errc::invalid_argument, "a task needs arguments and a root");
  }
  const auto name = workspace_name(++state_->last_task);
  executor.running = State::Running{};
  executor.running->attempt = request.attempt;
  executor.running->workspace = state_->workspaces / name;
  executor.running->task = RunMessage{request, state_->options.scratch / name};
  state_->start_waiting(executor);
  return {};
}

void ExecutorHost::cancel(ExecutorId id) {
  const auto at = state_->executors.find(id);
  if (at == state_->executors.end() || !at->second.running) return;
  auto& running = *at->second.running;
  if (!std::exchange(running.cancelled, true)) {
    running.patience_ends = Clock::now() + state_->options.cancel_patience;
    state_->set_timer();
  }
  // A peer that is gone is reported by its executor or the nursery, and the task with it.
  if (running.init) static_cast<void>(running.init->channel.send(MessageKind::cancel));
}

void ExecutorHost::stop(ExecutorId id) {
  const auto at = state_->executors.find(id);
  if (at == state_->executors.end()) return;
  at->second.stopping = true;
  // With a task, the executor is told after the task's end.
  if (at->second.running) return cancel(id);
  static_cast<void>(at->second.channel.send(MessageKind::stop));
}

}  // namespace kiln::worker
