// Finding the program that a command names, past Kiln's own links on PATH.
#pragma once

#include <string>
#include <string_view>

#include "client/paths/environment.h"
#include "common/base/result.h"

namespace kiln::client {

struct FoundProgram {
  std::string path;           // absolute
  bool passed_links = false;  // links of Kiln were on the way: argv[0] must not lead there again
};

// Finds `name` as execvp in `cwd` would: a name with a slash is a path, any other is searched on
// `environment`'s PATH (empty entries mean `cwd`). Links to Kiln itself are passed by: those that
// are the same file as `self`, and any whose real name is "kiln" (another installation); a path
// that is such a link stands for its last component, searched on PATH.
// Errc::not_found names what was searched.
Result<FoundProgram> find_program(std::string_view name, std::string_view cwd,
                                  const Environment& environment, const std::string& self);

// The absolute path of the running executable.
Result<std::string> own_executable();

// Whether `name` (a path or a bare name) is a C or C++ compiler's: gcc, clang++-14,
// x86_64-linux-gnu-g++-12, cc, …
bool is_compiler_name(std::string_view name);

}  // namespace kiln::client
