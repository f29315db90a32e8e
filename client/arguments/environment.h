// What a task sees of the caller's environment and of the caller's terminal.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "client/arguments/classify.h"

namespace kiln::client {

// The value of a variable, or empty.
std::string_view variable(const Environment& environment, std::string_view name);

// The variables of `environment` that travel with a task, sorted by name: those that compilers,
// assemblers and known compiler wrappers read. Everything else could only make runs differ.
Environment task_environment(const Environment& environment);

// The directories that CPATH, C_INCLUDE_PATH, CPLUS_INCLUDE_PATH and their like add to the search
// of `language`. An empty element means the current directory, ".".
std::vector<IncludeDirectory> environment_directories(const Environment& environment,
                                                      Language language);

// A task's stderr is a pipe, so a compiler that decides by isatty would lose its colours. These are
// the arguments to append to the argv of the remote run to get them back when the caller's stderr
// is a terminal; none when the caller decided by a flag, when the compiler would record them in its
// output, or when it is too old to know them. `version`: the first line of its --version.
std::vector<std::string> terminal_arguments(const CompilerCall& call, const CompileUnit& unit,
                                            std::string_view version);

struct CompilerVersion {
  int major = 0;
  int minor = 0;
  friend auto operator<=>(const CompilerVersion&, const CompilerVersion&) = default;
};
// From the first line of --version: "gcc (Debian 12.2.0-14) 12.2.0" is {12, 2}; {} when there is
// none.
CompilerVersion version_in(std::string_view first_line);

}  // namespace kiln::client
