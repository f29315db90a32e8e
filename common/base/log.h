// Structured logging: one line per event, with the part of the process that it happened in, the
// event's name in snake_case, and key=value fields, as text or JSON.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/log_levels.h"
#include "common/base/result.h"

namespace kiln {

enum class LogFormat { text, json };

struct LogOptions {
  LogLevels levels = {};  // of parts that it does not name: info
  LogFormat format = LogFormat::text;
  std::string file = {};      // empty: standard error
  LogParts parts = {"main"};  // the first one is what the log itself writes for
};

// What names something in the logs of all processes: the random number of the process that made it
// in 16 hexadecimal digits, a dash, and the thing's number. Without a number: that process.
struct LogId {
  std::uint64_t epoch = 0;
  std::uint64_t number = 0;
};
std::string text_of(const LogId& id);

// One field of a log line. It keeps no copy of a text: it must end with the line. Made for each
// line that may be written, it costs nothing until one is.
class LogField {
 public:
  LogField(std::string_view key, std::string_view text) : key_(key), text_(text) {}
  LogField(std::string_view key, const char* text) : key_(key), text_(text) {}
  LogField(std::string_view key, const std::string& text) : key_(key), text_(text) {}
  LogField(std::string_view key, const Error& error) : key_(key), text_(error.message) {}
  LogField(std::string_view key, const LogId& id)
      : key_(key), kind_(Kind::id), bits_(id.epoch), number_(id.number) {}
  LogField(std::string_view key, std::same_as<bool> auto truth)
      : key_(key), kind_(Kind::truth), bits_(truth ? 1 : 0) {}
  template <std::unsigned_integral Number>
  requires(!std::same_as<Number, bool>) LogField(std::string_view key, Number number)
      : key_(key), kind_(Kind::natural), bits_(number) {}
  LogField(std::string_view key, std::signed_integral auto number)
      : key_(key), kind_(Kind::integer), bits_(static_cast<std::uint64_t>(number)) {}
  LogField(std::string_view key, std::floating_point auto number)
      : key_(key), kind_(Kind::real), real_(number) {}

  std::string_view key() const { return key_; }
  std::string value() const;
  // Whether JSON has it without quotes.
  bool is_bare() const { return kind_ != Kind::text && kind_ != Kind::id; }

 private:
  enum class Kind : std::uint8_t { text, id, truth, natural, integer, real };

  std::string_view key_;
  Kind kind_ = Kind::text;
  std::string_view text_;
  std::uint64_t bits_ = 0;
  std::uint64_t number_ = 0;
  double real_ = 0;
};

// A handle to one part of a log; cheap to copy, thread-safe. Passed to whoever logs: there is no
// global log. A line that is not written costs a look at its part's level.
class Logger {
 public:
  using Fields = std::initializer_list<LogField>;

  // A log that drops everything, for tests.
  Logger();
  // Opens the log; Errc::io when the file cannot be opened.
  static Result<Logger> open(const LogOptions& options);

  // The same log for another part of the process. REQUIRES: it is one of those it was opened with.
  Logger part(std::string_view name) const;

  void debug(std::string_view event, Fields fields = {}) const {
    if (writes(LogLevel::debug)) write(LogLevel::debug, event, fields);
  }
  void info(std::string_view event, Fields fields = {}) const {
    if (writes(LogLevel::info)) write(LogLevel::info, event, fields);
  }
  void warning(std::string_view event, Fields fields = {}) const {
    if (writes(LogLevel::warning)) write(LogLevel::warning, event, fields);
  }
  void error(std::string_view event, Fields fields = {}) const {
    if (writes(LogLevel::error)) write(LogLevel::error, event, fields);
  }

  // Whether lines of the level are written.
  bool writes(LogLevel level) const {
    return part_ != nullptr && level >= part_->level.load(std::memory_order_relaxed);
  }

  // The names of all parts, in the order in which the log was opened with them.
  LogParts parts() const;
  // Of all handles to that part, from now on. REQUIRES: it is one of parts().
  LogLevel level(std::string_view part) const;
  void set_level(std::string_view part, LogLevel level) const;

  // Empty: it goes to standard error.
  const std::string& file() const;
  // Goes on in a new file where somebody moved the old one away. On an error in the old one.
  Status reopen() const;

 private:
  struct Part {
    std::string name;
    std::atomic<LogLevel> level = LogLevel::info;
  };
  struct Sink;
  Logger(std::shared_ptr<Sink> sink, Part* part);
  static Part* find(const Sink& sink, std::string_view name);
  void write(LogLevel level, std::string_view event, Fields fields) const;

  std::shared_ptr<Sink> sink_;
  Part* part_ = nullptr;  // of the sink
};

}  // namespace kiln
