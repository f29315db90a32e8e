// The settings of a program's log: log-level, log-format and log-file.
#pragma once

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/config/settings.h"

namespace kiln::config {

inline constexpr const char* kLogLevelHelp =
    "debug, info, warning, error or off; of parts, too: info,pools=debug";
inline constexpr const char* kLogFormatHelp = "text or json";

// Of a process with these parts. REQUIRES: the program has all three settings. Errors name the
// setting where it was given.
Result<LogOptions> read_log_options(const Settings& settings, LogParts parts);

}  // namespace kiln::config
