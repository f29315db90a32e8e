// Connecting to the agent, starting it if there is none, and opening a session.
#pragma once

#include <cstdint>

#include <kiln/client.h>

#include "client/launcher/agent_link.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace kiln::v1 {

struct OpenedSession {
  UniqueFd fd;
  std::uint32_t tasks = 0;  // that the agent takes at a time
};

// Blocks, at most until the timeouts of `options` are over. Errc::unavailable or timed_out when
// there is no agent to be had, unsupported when it is too old for sessions.
kiln::Result<OpenedSession> open_session(const client::AgentLinkOptions& options);

// How the agent that `options` means is reached; `environment` is the caller's.
kiln::Result<client::AgentLinkOptions> agent_link_of(const Options& options,
                                                     const Environment& environment);

}  // namespace kiln::v1
