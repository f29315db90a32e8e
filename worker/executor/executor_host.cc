#include "worker/executor/executor_host.h"

#include <cerrno>
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
#include "worker/executor/host_state.h"
#include "worker/executor/nursery.h"
#include "worker/executor/nursery_start.h"
#include "worker/executor/scratch.h"
#include "worker/sandbox/process.h"

namespace kiln::worker {
namespace {

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

// An error is what the nursery said of its end, or its end itself.
Result<UniqueFd> wait_for_nursery(Channel& nursery, pid_t& pid, const std::string& program) {
  auto word = first_word(nursery);
  if (word || word.error().code != Errc::unavailable) return word;
  nursery.close();
  const int status = wait_for_end(std::exchange(pid, -1));
  return fail(Errc::unavailable, program + " " + describe_status(status) + " before it had begun");
}

}  // namespace

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
  KILN_TRY_ASSIGN(own.scratch,
                  wait_for_nursery(own.nursery, own.nursery_pid, own.options.nursery.string()));
  own.workspaces = "/proc/self/fd/" + std::to_string(own.scratch.get());
  KILN_TRY(own.watch(own.nursery.fd(), State::kNurseryTag));
  KILN_TRY(own.watch(own.timer.get(), State::kTimerTag));
  return host;
}

ExecutorHost::ExecutorHost(std::unique_ptr<State> state) : state_(std::move(state)) {}

ExecutorHost::~ExecutorHost() {
  state_->executors.clear();
  state_->templates.clear();
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
  for (int i = 0; i < count; ++i) state_->read_ready(ready[i].data.u64, events);
}

const Identity& ExecutorHost::identity() const {
  return state_->options.identity;
}

const std::filesystem::path& ExecutorHost::workspaces() const {
  return state_->workspaces;
}

Result<ExecutorId> ExecutorHost::create(const ExecutorSpec& spec) {
  if (state_->nursery.fd() < 0) return fail(Errc::unavailable, "the nursery process is gone");
  auto* forker = &state_->nursery;
  if (spec.parent) {
    const auto at = state_->templates.find(*spec.parent);
    if (at == state_->templates.end() || !at->second.ready || at->second.stopping) {
      return fail(Errc::not_found, "no such template is ready");
    }
    forker = &at->second.channel;
  }
  const auto id = ++state_->last_id;
  const CreateMessage create{id, spec.hostname, spec.held};
  KILN_TRY_ASSIGN(auto channel, state_->ask(*forker, MessageKind::create, create));
  auto& executor = state_->executors[ExecutorId(id)];
  executor.channel = std::move(channel);
  executor.parent = spec.parent;
  return ExecutorId(id);
}

Result<TemplateId> ExecutorHost::create_template(const TemplateSpec& spec) {
  if (state_->nursery.fd() < 0) return fail(Errc::unavailable, "the nursery process is gone");
  const auto id = ++state_->last_id;
  KILN_TRY_ASSIGN(auto channel, state_->ask(state_->nursery, MessageKind::breed,
                                            CreateMessage{id, spec.hostname, {}}));
  state_->templates[TemplateId(id)].channel = std::move(channel);
  return TemplateId(id);
}

void ExecutorHost::stop_template(TemplateId id) {
  const auto at = state_->templates.find(id);
  if (at == state_->templates.end()) return;
  at->second.stopping = true;
  for (const auto executor : state_->executors_of(id)) stop(executor);
  state_->stop_if_empty(id);
}

std::vector<HeldFact> ExecutorHost::held(ExecutorId id) const {
  const auto at = state_->executors.find(id);
  return at == state_->executors.end() ? std::vector<HeldFact>() : at->second.held;
}

pid_t ExecutorHost::task_pid(ExecutorId id) const {
  const auto at = state_->executors.find(id);
  if (at == state_->executors.end()) return 0;
  const auto& running = at->second.running;
  return running && running->init ? running->init->pid : 0;
}

pid_t ExecutorHost::executor_pid(ExecutorId id) const {
  const auto at = state_->executors.find(id);
  return at == state_->executors.end() ? 0 : at->second.pid;
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

void ExecutorHost::terminate(ExecutorId id) {
  const auto at = state_->executors.find(id);
  if (at == state_->executors.end() || !at->second.running) return;
  auto& running = *at->second.running;
  if (std::exchange(running.terminated, true) || !running.init) return;
  static_cast<void>(running.init->channel.send(MessageKind::terminate));
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
