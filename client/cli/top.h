// `kiln top`: the farm on a page that follows it.
#pragma once

#include "client/cli/command_line.h"
#include "client/launcher/call.h"
#include "common/base/result.h"

namespace kiln::client {

// On a terminal until whoever looks leaves; elsewhere one page of text. The error is that there is
// no agent to ask and none can be started, and then no terminal to say it on while trying again.
Status show_top(const PeopleCommand& line, const Caller& caller);

}  // namespace kiln::client
