// Which lines of a log are written: a level for each part of a process.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"

namespace kiln {

enum class LogLevel { debug, info, warning, error, off };

std::string_view name(LogLevel level);

// Reads "debug", "info", "warning", "error" or "off".
Result<LogLevel> parse_log_level(std::string_view name);

// The names of the parts that a process has.
using LogParts = std::vector<std::string_view>;

// What somebody wants of levels: "info,pools=debug". Parts that are not named have the level that
// stands alone, wherever it stands, or the one that they had.
struct LogLevels {
  std::optional<LogLevel> others;
  std::vector<std::pair<std::string, LogLevel>> parts;  // a part's last word counts

  // Of the part `name`; nullopt: as before.
  std::optional<LogLevel> of(std::string_view name) const;
};

// Reads levels separated by commas. Errc::invalid_argument names the word that is wrong, and lists
// `known` when it is a part that is not among them.
Result<LogLevels> parse_log_levels(std::string_view text, const LogParts& known);

}  // namespace kiln
