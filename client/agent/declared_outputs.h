// What `kiln run --output FILE` promises: a command that ends well has written every FILE.
#pragma once

#include <string>
#include <vector>

#include "client/agent/call_end.h"
#include "common/model/task.h"
#include "common/wire/messages.h"

namespace kiln::client {

// Outputs of `task` that did not come with `result`, in their order.
std::vector<std::string> not_written(const Task& task, const TaskResult& result);

// Where the command of a `kiln run` ended well without writing `missing`, its end becomes a failure
// that says so behind its own words. A compiler knows best itself what it writes.
void require_outputs(const wire::Call& call, const std::vector<std::string>& missing, CallEnd& end);

}  // namespace kiln::client
