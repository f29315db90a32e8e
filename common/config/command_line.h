// A daemon's command line: its flags are the settings' keys, plus --config, --help and --version.
#pragma once

#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/config/settings.h"

namespace kiln::config {

struct ProgramInfo {
  std::string name;         // kiln-coordinator
  std::string description;  // one sentence for --help
  std::string version;
};

// Text to print on standard output before a successful exit (--help, --version), if that is all
// that was asked for.
using Answer = std::optional<std::string>;

// Fills `settings` from the flags, the environment, and the file that --config names (in this order
// of precedence). Errc::invalid_argument names the flag, variable, or file and line.
Result<Answer> load_settings(Settings& settings, const ProgramInfo& program, int argc,
                             const char* const* argv, const Environment& environment);

}  // namespace kiln::config
