// Waiting until a pool is as warm as asked, with its progress on the way.
#pragma once

#include <optional>
#include <string>

#include "client/cli/command_line.h"
#include "client/cli/interrupt.h"
#include "client/launcher/call.h"
#include "common/base/result.h"

namespace kiln::client {

struct Waited {
  std::string answer;         // the command's, with the pool as it is in the end
  std::optional<Error> lack;  // Errc::timed_out: it is not as warm as asked, and what it waits for
};

// `answer`: the agent's to the command that asked for warmth. Asks how the pool is until all that
// is wanted is ready or broken, or line.timeout has passed. Progress goes to stderr, when it is a
// terminal. Errc::cancelled, after Ctrl-C, says what goes on without.
Result<Waited> wait_for_warmth(const PeopleCommand& line, std::string answer, const Caller& caller,
                               const Interrupt& interrupt);

}  // namespace kiln::client
