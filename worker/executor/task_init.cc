#include "worker/executor/task_init.h"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "worker/sandbox/process.h"

namespace kiln::worker {
namespace {

Supervised run_task(const RunMessage& message, const InitSetup& setup, RootMounts mounts,
                    Channel& host) {
  const auto entered = enter_root(plan_root(message, setup), mounts);
  mounts = {};
  if (!entered) return without_root(entered.error());
  const UniqueFd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return without_root(system_error("cannot open a task's root", errno));
  auto run = plan_run(message.request, setup);
  run.root = root.get();
  run.order = orders_of(host);
  return supervise(run, host.fd());
}

}  // namespace

void run_task_init(const InitSetup& setup, int parent, Channel host) {
  become_init();
  auto mounts = prepare_root_mounts(setup.layout);
  own_memory();
  const auto run = wait_for_task(host, {parent});
  if (!run) ::_exit(1);
  const TimePoint arrived = Clock::now();
  auto task = run_task(*run, setup, std::move(mounts), host);
  ::_exit(report_end(host, std::move(task), arrived, false, false) ? 0 : 1);
}

}  // namespace kiln::worker
