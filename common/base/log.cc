#include "common/base/log.h"

#include <algorithm>
#include <array>

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace kiln {
namespace {

constexpr std::array<std::string_view, 5> kLevels = {"debug", "info", "warning", "error", "off"};

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::off:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

// The bytes of the UTF-8 character at the start of `text`; 0 when there is none. Overlong forms,
// surrogates and what is beyond Unicode are none.
std::size_t character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (size == 0 || first > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  const bool wrong = (first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) ||
                     (first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90);
  return wrong ? 0 : size;
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// Quotes `text` with JSON's escapes; also used by the text format for values with spaces or quotes.
// Values come from peers: what is not UTF-8 is replaced, and no control byte reaches a terminal.
std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t size = character(text);
    const char c = text.front();
    if (size == 0) {
      out += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (is_control(c)) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  out.push_back('"');
  return out;
}

bool is_plain(std::string_view text) {
  if (text.empty() || text.find_first_of(" \"\\=") != std::string_view::npos) return false;
  while (!text.empty()) {
    const std::size_t size = character(text);
    if (size == 0 || is_control(text.front())) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string text_line(std::string_view event, Logger::Fields fields) {
  std::string line(event);
  for (const auto& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    line += is_plain(field.value) ? field.value : in_quotes(field.value);
  }
  return line;
}

std::string json_fields(std::string_view event, Logger::Fields fields) {
  std::string line = "\"event\":" + in_quotes(event);
  for (const auto& field : fields) {
    line += ',' + in_quotes(field.key) + ':';
    line += field.is_number ? field.value : in_quotes(field.value);
  }
  return line;
}

}  // namespace

Result<LogLevel> parse_log_level(std::string_view name) {
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    if (kLevels.at(i) == name) return static_cast<LogLevel>(i);
  }
  return fail(Errc::invalid_argument, "unknown log level \"" + std::string(name) +
                                          "\"; use debug, info, warning, error or off");
}

struct Logger::Sink {
  spdlog::logger logger;
  LogFormat format;
};

Logger::Logger() = default;
Logger::Logger(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}

Result<Logger> Logger::open(const LogOptions& options) {
  spdlog::sink_ptr sink;
  try {
    if (options.file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
    }
  } catch (const spdlog::spdlog_ex& problem) {
    return fail(Errc::io, "cannot open the log file " + options.file + ": " + problem.what());
  }
  auto shared = std::make_shared<Sink>(Sink{spdlog::logger("kiln", sink), options.format});
  shared->logger.set_level(spdlog_level(options.level));
  shared->logger.flush_on(spdlog::level::info);
  shared->logger.set_pattern(options.format == LogFormat::json
                                 ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})"
                                 : "%Y-%m-%dT%H:%M:%S.%e %l %v");
  return Logger(std::move(shared));
}

void Logger::write(LogLevel level, std::string_view event, Fields fields) const {
  if (!sink_ || !sink_->logger.should_log(spdlog_level(level))) return;
  sink_->logger.log(spdlog_level(level), sink_->format == LogFormat::json
                                             ? json_fields(event, fields)
                                             : text_line(event, fields));
}

}  // namespace kiln
