// Asks a compiler questions about itself.
#pragma once

#include <string>
#include <vector>

#include "client/toolchain/compiler.h"
#include "common/base/child_process.h"
#include "common/base/result.h"

namespace kiln::client {

// Runs `program` with `arguments` in the query's cwd and relevant environment, in English.
// Errc::timed_out after 20 s. A failing exit code is a value.
Result<CommandOutput> ask(const std::string& program, const std::vector<std::string>& arguments,
                          const ToolchainQuery& query);

// The first line of what `program ARGUMENT` prints; Errc::unsupported when it fails.
Result<std::string> ask_line(const std::string& program, const std::string& argument,
                             const ToolchainQuery& query);

// Whether the same may succeed a moment later: no file has to change for that.
bool is_passing(const Error& error);

}  // namespace kiln::client
