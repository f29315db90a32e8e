// Waiting until a node is as `kiln drain` or `kiln resume` wants it.
#pragma once

#include <string>

#include "client/cli/command_line.h"
#include "client/cli/interrupt.h"
#include "client/launcher/call.h"
#include "common/base/result.h"

namespace kiln::client {

// The node as it then is, as JSON: {node, state, running, queued}; `state` is "gone" when it has
// left the farm. Says on a terminal what is still under way. Without line.waits it is as it is now.
// Errc::timed_out after line.timeout, Errc::cancelled after Ctrl-C: both say how it goes on.
Result<std::string> wait_for_node(const PeopleCommand& line, const Caller& caller,
                                  const Interrupt& interrupt);

}  // namespace kiln::client
