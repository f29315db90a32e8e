#include "common/config/log_settings.h"

#include <utility>

namespace kiln::config {

Result<LogOptions> read_log_options(const Settings& settings, LogParts parts) {
  LogOptions log;
  auto levels = parse_log_levels(settings.text("log-level"), parts);
  if (!levels) return fail(settings.error("log-level", levels.error()));
  log.levels = std::move(*levels);
  const auto& format = settings.text("log-format");
  if (format != "text" && format != "json") {
    return fail(settings.error(
        "log-format",
        Error{Errc::invalid_argument, "\"" + format + "\" is not a format; use text or json"}));
  }
  log.format = format == "json" ? LogFormat::json : LogFormat::text;
  log.file = settings.text("log-file");
  log.parts = std::move(parts);
  return log;
}

}  // namespace kiln::config
