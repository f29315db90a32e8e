// A command's question to the agent, and the answer's JSON.
#pragma once

#include <string>

#include "client/cli/command_line.h"
#include "client/cli/interrupt.h"
#include "client/launcher/call.h"
#include "common/base/result.h"
#include "common/wire/codec.h"

namespace kiln::client {

wire::Command describe_command(const PeopleCommand& line, const Caller& caller);

// The JSON of the agent's answer; an error is the agent's, or says that it is none.
Result<std::string> read_reply(wire::Envelope envelope);

// Starts the agent if need be, asks, and gives the answer's JSON. Errc::cancelled when `interrupt`,
// if there is one, comes before the answer.
Result<std::string> ask(const PeopleCommand& line, const Caller& caller,
                        const Interrupt* interrupt = nullptr);

}  // namespace kiln::client
