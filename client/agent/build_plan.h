// What a build needs of the farm, read from its compilation database.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "client/inputs/file_system.h"
#include "client/paths/environment.h"
#include "common/base/result.h"

namespace kiln::client {

struct BuildPlan {
  std::vector<std::string> compilers;          // commands of the calls that travel, each once
  std::uint64_t calls = 0;                     // in the database
  std::uint64_t travel = 0;                    // that are of a kind that travels
  std::map<std::string, std::uint64_t> local;  // reasons of the others
};

// `database`: the JSON of a compile_commands.json, each entry with `directory` and `command` or
// `arguments`. A launcher in front (kiln, ccache, distcc, icecc, sccache) is passed by.
// Errc::invalid_argument when it is no such file.
Result<BuildPlan> read_build_plan(const std::string& database, const Environment& environment,
                                  const FileSystem& files);

}  // namespace kiln::client
