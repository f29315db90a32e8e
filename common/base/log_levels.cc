#include "common/base/log_levels.h"

#include <algorithm>
#include <array>

namespace kiln {
namespace {

constexpr std::array<std::string_view, 5> kLevels = {"debug", "info", "warning", "error", "off"};

std::string listed(const LogParts& parts) {
  std::string text;
  for (const auto part : parts) {
    if (!text.empty()) text += ", ";
    text += part;
  }
  return text;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

Status read_word(std::string_view word, const LogParts& known, LogLevels& levels) {
  const auto equals = word.find('=');
  if (equals == std::string_view::npos) {
    KILN_TRY_ASSIGN(const auto level, parse_log_level(word));
    if (levels.others && *levels.others != level) {
      return fail(Errc::invalid_argument,
                  "two levels for all parts, " + std::string(name(*levels.others)) + " and " +
                      std::string(word) + "; write one, and others as part=level");
    }
    levels.others = level;
    return {};
  }
  const std::string_view part = trimmed(word.substr(0, equals));
  if (std::find(known.begin(), known.end(), part) == known.end()) {
    return fail(Errc::invalid_argument, "no part of this log is called \"" + std::string(part) +
                                            "\"; there are " + listed(known));
  }
  KILN_TRY_ASSIGN(const auto level, parse_log_level(trimmed(word.substr(equals + 1))));
  levels.parts.emplace_back(part, level);
  return {};
}

}  // namespace

std::string_view name(LogLevel level) {
  return kLevels.at(static_cast<std::size_t>(level));
}

Result<LogLevel> parse_log_level(std::string_view name) {
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    if (kLevels.at(i) == name) return static_cast<LogLevel>(i);
  }
  return fail(Errc::invalid_argument, "unknown log level \"" + std::string(name) +
                                          "\"; use debug, info, warning, error or off");
}

std::optional<LogLevel> LogLevels::of(std::string_view name) const {
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (part->first == name) return part->second;
  }
  return others;
}

Result<LogLevels> parse_log_levels(std::string_view text, const LogParts& known) {
  LogLevels levels;
  while (true) {
    const auto comma = text.find(',');
    KILN_TRY(read_word(trimmed(text.substr(0, comma)), known, levels));
    if (comma == std::string_view::npos) return levels;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace kiln
