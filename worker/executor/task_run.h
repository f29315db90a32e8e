// What the inits of tasks have in common: from the host's message to the report.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "worker/executor/channel.h"
#include "worker/sandbox/identity.h"
#include "worker/sandbox/root.h"
#include "worker/sandbox/supervisor.h"

namespace kiln::worker {

// What an executor gives each of its inits. Must outlive them.
struct InitSetup {
  const ScratchLayout& layout;
  const Identity& identity;
};

// What every init does first: its own key ring, its parent's death is its own. What its parent
// tells it beside that is said at the pidfd.
void become_init();

// Waits until the host asks for a task. Nothing: the host hung up, or one of `ends` is readable,
// or it said what an init cannot understand; a task that is on its way at that moment is still
// taken, or the host knows that it was not. An order that comes too late for its task is ignored.
std::optional<RunMessage> wait_for_task(Channel& host, const std::vector<int>& ends);

RootPlan plan_root(const RunMessage& run, const InitSetup& setup);
// The command and its limits; where its root is, and how it starts, is the caller's.
SupervisedRun plan_run(const RunRequest& request, const InitSetup& setup);
// What the host orders of the task that runs. `host` must outlive it.
std::function<Order()> orders_of(Channel& host);
// The end of a task whose root could not be made.
Supervised without_root(const Error& error);

// Tells the host. `arrived` is when the init got the task.
Status report_end(Channel& host, Supervised task, TimePoint arrived, bool again, bool forked);

}  // namespace kiln::worker
