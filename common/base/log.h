// Structured logging: one line per event, an event name and key=value fields, as text or JSON.
#pragma once

#include <concepts>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace kiln {

enum class LogLevel { debug, info, warning, error, off };
enum class LogFormat { text, json };

// Reads "debug", "info", "warning", "error" or "off".
Result<LogLevel> parse_log_level(std::string_view name);

struct LogOptions {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
  std::string file;  // empty: standard error
};

// One field of a log line.
struct LogField {
  LogField(std::string_view field_key, std::string_view text) : key(field_key), value(text) {}
  LogField(std::string_view field_key, const char* text) : key(field_key), value(text) {}
  LogField(std::string_view field_key, const std::string& text) : key(field_key), value(text) {}
  LogField(std::string_view field_key, const Error& error) : key(field_key), value(error.message) {}
  template <typename Number>
  requires std::integral<Number> || std::floating_point<Number> LogField(std::string_view field_key,
                                                                         Number number)
      : key(field_key), value(std::to_string(number)), is_number(true) {}

  std::string_view key;
  std::string value;
  bool is_number = false;
};

// A handle to a log; cheap to copy, thread-safe. Passed to whoever logs: there is no global log.
class Logger {
 public:
  using Fields = std::initializer_list<LogField>;

  // A log that drops everything, for tests.
  Logger();
  // Opens the log; Errc::io when the file cannot be opened.
  static Result<Logger> open(const LogOptions& options);

  void debug(std::string_view event, Fields fields = {}) const {
    write(LogLevel::debug, event, fields);
  }
  void info(std::string_view event, Fields fields = {}) const {
    write(LogLevel::info, event, fields);
  }
  void warning(std::string_view event, Fields fields = {}) const {
    write(LogLevel::warning, event, fields);
  }
  void error(std::string_view event, Fields fields = {}) const {
    write(LogLevel::error, event, fields);
  }

  void write(LogLevel level, std::string_view event, Fields fields) const;

 private:
  struct Sink;
  explicit Logger(std::shared_ptr<Sink> sink);
  std::shared_ptr<Sink> sink_;
};

}  // namespace kiln
