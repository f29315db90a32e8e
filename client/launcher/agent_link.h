// The launcher's connection to the agent: connecting, starting the agent when there is none, and
// one request with its answer.
#pragma once

#include <string>

#include "client/paths/environment.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/base/unique_fd.h"
#include "common/wire/codec.h"

namespace kiln::client {

struct AgentLinkOptions {
  std::string socket;       // path, see socket_path
  std::string agent;        // the program to start; "" never starts one
  Environment environment;  // of the caller; what the agent gets is agent_environment of it
  Duration connect_timeout = seconds(2);
  Duration start_timeout = seconds(5);
  Duration greeting = seconds(2);      // until an agent that does not greet counts as hung
  Duration silence = seconds(3);       // without an answer until the agent is asked for a Pong
  Duration pong_timeout = seconds(5);  // until it counts as hung
  bool start_again = false;            // also when a start has failed a moment ago
  bool insists = false;                // no local run: patient with an agent that does not greet
  int interrupt = -1;                  // a descriptor: when it is readable the caller gives up
};

// The program that is this installation's agent: $KILN_AGENT, else kiln-agent beside `self`.
std::string agent_program(const Environment& environment, const std::string& self);

// Connects, starting the agent first when nobody listens. Among any number of callers exactly one
// starts it. Errc::unavailable or timed_out when there is no agent to be had, at the latest after
// the two timeouts.
Result<UniqueFd> connect_to_agent(const AgentLinkOptions& options);

// Connects to an agent that runs; Errc::not_found or unavailable when there is none.
Result<UniqueFd> connect_to_running_agent(const AgentLinkOptions& options);

// Sends `request` and waits for the answer as long as the agent gives signs of life. One that does
// not greet at once is hung: that is noted beside its socket, so that for some seconds others wait
// for it a moment only. Errc::unavailable when the connection closes, timed_out when the agent
// hangs, version_mismatch or corrupt when the answer cannot be read, cancelled when the caller
// gives up.
Result<wire::Envelope> ask_agent(int fd, const wire::Message& request,
                                 const AgentLinkOptions& options);

}  // namespace kiln::client
