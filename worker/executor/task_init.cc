#include "worker/executor/task_init.h"

#include <csignal>

#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::worker {
namespace {

std::string parent_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

RootPlan plan_root(const RunMessage& run, const ScratchLayout& layout, const Identity& identity) {
  RootPlan plan{run.workspace, layout, run.request.lowers, {run.request.cwd}, identity};
  for (const auto& output : run.request.outputs) {
    if (auto parent = parent_of(output); parent != plan.writable.back()) {
      plan.writable.push_back(std::move(parent));
    }
  }
  return plan;
}

SupervisedRun plan_run(const RunRequest& request, const Identity& identity) {
  SupervisedRun run;
  run.command.program = request.program;
  run.command.argv = request.argv;
  for (const auto& [name, value] : request.environment) {
    run.command.environment.push_back(name + "=" + value);
  }
  run.command.cwd = request.cwd;
  run.command.umask = static_cast<mode_t>(request.umask);
  run.command.identity = identity;
  run.outputs = request.outputs;
  run.limits = request.limits;
  run.stream_bytes = request.stream_bytes;
  return run;
}

Supervised run_task(const RunMessage& run, const ScratchLayout& layout, const Identity& identity,
                    int control) {
  if (auto entered = enter_root(plan_root(run, layout, identity)); !entered) {
    Supervised failed;
    failed.end.message = entered.error().message;
    return failed;
  }
  return supervise(plan_run(run.request, identity), control);
}

}  // namespace

void run_task_init(const RunMessage& run, const ScratchLayout& layout, const Identity& identity,
                   Channel executor) {
  // The parent is outside of this PID namespace, so its death before this line cannot be seen by
  // number; the channel's hang-up tells it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  ::umask(0);
  const auto task = run_task(run, layout, identity, executor.fd());
  std::vector<int> files;
  if (task.standard_output.valid()) files.push_back(task.standard_output.get());
  if (task.standard_error.valid()) files.push_back(task.standard_error.get());
  const auto sent = executor.send_packed(MessageKind::finished, task.end, files);
  ::_exit(sent ? 0 : 1);
}

}  // namespace kiln::worker
