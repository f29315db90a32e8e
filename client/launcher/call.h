// One compiler call, from argv to exit code.
#pragma once

#include <string>
#include <vector>

#include "client/launcher/agent_link.h"
#include "client/paths/environment.h"

namespace kiln::client {

// What this process is and was given; what main() knows.
struct Caller {
  Environment environment;
  std::string cwd;   // "" when it has been deleted: then everything runs locally
  std::string self;  // absolute path of the running executable
};

// A call to be made: a compile, or `kiln run` (kind "run") with its declared files.
struct CallRequest {
  std::vector<std::string> argv;
  std::string kind = "compile";
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
};

// Makes the call and returns the exit code, if it returns: a local run replaces this process, and a
// remote command's death by a signal is repeated here. Nothing but the command's own words goes to
// stdout and stderr, except when it could not run at all.
int make_call(const CallRequest& request, const Caller& caller);

// How the agent of this caller is reached and started. Errors are those of socket_path.
Result<AgentLinkOptions> link_options(const Caller& caller);

}  // namespace kiln::client
