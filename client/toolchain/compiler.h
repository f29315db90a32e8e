// What kind of compiler a command is: found on the caller's PATH, then asked.
#pragma once

#include <optional>
#include <string>

#include "client/arguments/classify.h"
#include "common/base/result.h"

namespace kiln::client {

// What of a call decides which program its command means and what that program needs.
struct ToolchainQuery {
  std::string command;      // as the caller named it, or the path that the launcher found
  std::string cwd;          // absolute
  Environment environment;  // the caller's whole environment
  std::string self;         // Kiln's own executable, passed by on PATH; empty: by name only
  bool charsets = false;    // -finput-charset or its like is used: gconv modules are needed
  bool is_compiler = true;  // false: any program, for `kiln run`; it is not asked anything
};

struct Compiler {
  std::string program;    // absolute path as found on PATH, symlinks kept
  std::string real_path;  // the file that it leads to
  CompilerFamily family = CompilerFamily::gcc;
  std::string version;       // first line of --version
  std::string target;        // -dumpmachine: x86_64-linux-gnu
  std::string architecture;  // of machines that can run it, as uname -m: x86_64
  // Why it can only run locally, a stable word ("script", "wrapper", "not_elf",
  // "unknown_compiler"); empty: nothing in the way. All above but the paths is then unset.
  std::string unsupported;
  std::string explanation;  // the same for people
};

// Finds the command and asks it what it is (two short runs). Scripts and known wrappers (ccache,
// distcc, …) are never run. Errc::not_found when there is no such command. Blocks; thread-safe.
Result<Compiler> identify(const ToolchainQuery& query);

// The variables of `environment` that change what a compiler finds or says: the part of a query
// that a cached answer depends on. Sorted; values as they are.
Environment relevant_environment(const Environment& environment);

}  // namespace kiln::client
