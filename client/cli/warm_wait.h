// Waiting until a pool is as warm as asked, with its progress on the way.
#pragma once

#include <string>

#include "client/cli/command_line.h"
#include "client/cli/interrupt.h"
#include "client/launcher/call.h"
#include "common/base/result.h"

namespace kiln::client {

// `answer`: the agent's to the command that asked for warmth. Asks how the pool is until all that
// is wanted is ready or broken, and gives that answer with the rest of the first one. Progress goes
// to stderr, when it is a terminal. Errc::timed_out, after line.timeout, says what is waited for;
// Errc::cancelled, after Ctrl-C, what goes on without.
Result<std::string> wait_for_warmth(const PeopleCommand& line, std::string answer,
                                    const Caller& caller, const Interrupt& interrupt);

}  // namespace kiln::client
