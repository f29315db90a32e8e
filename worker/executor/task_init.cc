#include "worker/executor/task_init.h"

#include <cerrno>
#include <csignal>
#include <optional>

#include <linux/keyctl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "worker/executor/process.h"

namespace kiln::worker {
namespace {

std::string parent_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

RootPlan plan_root(const RunMessage& run, const InitSetup& setup) {
  RootPlan plan{run.workspace, setup.layout, run.request.lowers, {run.request.cwd}, setup.identity};
  for (const auto& output : run.request.outputs) {
    if (auto parent = parent_of(output); parent != plan.writable.back()) {
      plan.writable.push_back(std::move(parent));
    }
  }
  return plan;
}

SupervisedRun plan_run(const RunRequest& request, const InitSetup& setup) {
  SupervisedRun run;
  run.command.program = request.program;
  run.command.argv = request.argv;
  for (const auto& [name, value] : request.environment) {
    run.command.environment.push_back(name + "=" + value);
  }
  run.command.cwd = request.cwd;
  run.command.umask = static_cast<mode_t>(request.umask);
  run.command.identity = setup.identity;
  run.outputs = request.outputs;
  run.limits = request.limits;
  run.stream_bytes = request.stream_bytes;
  return run;
}

Supervised run_task(const RunMessage& run, const InitSetup& setup, RootMounts mounts, int control) {
  const auto entered = enter_root(plan_root(run, setup), mounts);
  mounts = {};
  if (!entered) {
    Supervised failed;
    failed.end.message = entered.error().message;
    failed.end.nodes_fault = true;
    return failed;
  }
  return supervise(plan_run(run.request, setup), control);
}

// Nothing: the host hung up, or the parent is gone.
std::optional<RunMessage> wait_for_task(Channel& host, int parent) {
  while (true) {
    pollfd watched[2] = {{host.fd(), POLLIN, 0}, {parent, POLLIN, 0}};
    if (::poll(watched, 2, -1) < 0 && errno != EINTR) return std::nullopt;
    if (watched[1].revents != 0) return std::nullopt;
    auto received = host.receive();
    if (!received) return std::nullopt;
    if (!*received) continue;
    auto run = unpack<RunMessage>((*received)->body);
    if ((*received)->kind != MessageKind::run || !run) return std::nullopt;
    return std::move(*run);
  }
}

std::uint64_t microseconds_of(Duration duration) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

}  // namespace

void run_task_init(const InitSetup& setup, int parent, Channel host) {
  // The parent is outside of this PID namespace, so its death before this line cannot be seen by
  // number; its pidfd tells it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  ::umask(0);
  // Neither the worker's keys nor an earlier task's. Refused in containers, which have no keys.
  ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);
  auto mounts = prepare_root_mounts(setup.layout);
  own_memory();
  const auto run = wait_for_task(host, parent);
  if (!run) ::_exit(1);
  const TimePoint arrived = Clock::now();
  auto task = run_task(*run, setup, std::move(mounts), host.fd());
  if (task.started != TimePoint()) {
    const auto outside = (task.started - arrived) + (Clock::now() - task.ended);
    task.end.usage.root_us = microseconds_of(outside);
  }
  std::vector<int> files;
  if (task.standard_output.valid()) files.push_back(task.standard_output.get());
  if (task.standard_error.valid()) files.push_back(task.standard_error.get());
  const auto sent = host.send_packed(MessageKind::finished, task.end, files);
  ::_exit(sent ? 0 : 1);
}

}  // namespace kiln::worker
