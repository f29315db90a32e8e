#include "common/base/log.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

#include <spdlog/details/file_helper.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "common/base/check.h"

namespace kiln {
namespace {

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

// What some terminals obey, or some readers take for the end of a line, beyond ASCII: U+0080 to
// U+009F, U+2028 and U+2029. The escape, or nothing.
std::string escape_of(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 2 && byte(0) == 0xc2 && byte(1) < 0xa0)
    return fmt::format("\\u{:04x}", static_cast<unsigned>(byte(1)));
  if (character == "\u2028") return "\\u2028";
  return character == "\u2029" ? "\\u2029" : "";
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
    } else if (const auto escaped = escape_of(text.substr(0, size)); !escaped.empty()) {
      out += escaped;
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
    if (!escape_of(text.substr(0, size)).empty()) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string text_line(std::string_view part, std::string_view event, Logger::Fields fields) {
  std::string line(part);
  line += ' ';
  line += event;
  for (const auto& field : fields) {
    const std::string value = field.value();
    line += ' ';
    line += field.key();
    line += '=';
    line += is_plain(value) ? value : in_quotes(value);
  }
  return line;
}

std::string json_fields(std::string_view part, std::string_view event, Logger::Fields fields) {
  std::string line = "\"part\":" + in_quotes(part) + ",\"event\":" + in_quotes(event);
  for (const auto& field : fields) {
    line += ',' + in_quotes(field.key()) + ':';
    line += field.is_bare() ? field.value() : in_quotes(field.value());
  }
  return line;
}

// A file that can be opened anew while others write to it.
class ReopenedFile : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // Both throw spdlog_ex when it cannot be opened.
  explicit ReopenedFile(std::string path) : path_(std::move(path)), file_(opened()) {}
  void reopen() {
    auto fresh = opened();
    const std::lock_guard lock(mutex_);
    file_.swap(fresh);
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    file_->write(line);
  }
  void flush_() override { file_->flush(); }

 private:
  using File = std::unique_ptr<spdlog::details::file_helper>;
  File opened() const {
    auto file = std::make_unique<spdlog::details::file_helper>();
    file->open(path_);
    return file;
  }

  std::string path_;
  File file_;
};

Error not_opened(const std::string& path, const spdlog::spdlog_ex& problem) {
  return {Errc::io, "cannot open the log file " + path + ": " + problem.what()};
}

}  // namespace

std::string text_of(const LogId& id) {
  std::string text = fmt::format("{:016x}", id.epoch);
  if (id.number != 0) text += fmt::format("-{}", id.number);
  return text;
}

std::string LogField::value() const {
  switch (kind_) {
    case Kind::text:
      return std::string(text_);
    case Kind::id:
      return text_of(LogId{bits_, number_});
    case Kind::truth:
      return bits_ != 0 ? "true" : "false";
    case Kind::natural:
      return std::to_string(bits_);
    case Kind::integer:
      return std::to_string(static_cast<std::int64_t>(bits_));
    case Kind::real:
      return std::isfinite(real_) ? std::to_string(real_) : "null";
  }
  return "";
}

struct Logger::Sink {
  spdlog::logger logger;
  LogFormat format;
  std::string file;
  std::shared_ptr<ReopenedFile> reopened;  // nullptr: standard error
  std::vector<std::unique_ptr<Part>> parts;
};

Logger::Logger() = default;
Logger::Logger(std::shared_ptr<Sink> sink, Part* part) : sink_(std::move(sink)), part_(part) {}

Result<Logger> Logger::open(const LogOptions& options) {
  KILN_CHECK(!options.parts.empty());
  std::shared_ptr<ReopenedFile> file;
  spdlog::sink_ptr sink;
  if (options.file.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    try {
      sink = file = std::make_shared<ReopenedFile>(options.file);
    } catch (const spdlog::spdlog_ex& problem) {
      return fail(not_opened(options.file, problem));
    }
  }
  auto shared = std::make_shared<Sink>(
      Sink{spdlog::logger("kiln", sink), options.format, options.file, std::move(file), {}});
  for (const auto name : options.parts) {
    auto& part = shared->parts.emplace_back(std::make_unique<Part>());
    part->name = name;
    part->level = options.levels.of(name).value_or(LogLevel::info);
  }
  shared->logger.set_level(spdlog::level::debug);  // what is written is the parts' to say
  shared->logger.flush_on(spdlog::level::debug);
  shared->logger.set_pattern(options.format == LogFormat::json
                                 ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})"
                                 : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  auto* first = shared->parts.front().get();
  return Logger(std::move(shared), first);
}

Logger::Part* Logger::find(const Sink& sink, std::string_view name) {
  const auto found = std::find_if(sink.parts.begin(), sink.parts.end(),
                                  [&](const auto& part) { return part->name == name; });
  KILN_CHECK(found != sink.parts.end());
  return found->get();
}

Logger Logger::part(std::string_view name) const {
  return sink_ ? Logger(sink_, find(*sink_, name)) : Logger();
}

LogParts Logger::parts() const {
  LogParts names;
  if (!sink_) return names;
  for (const auto& part : sink_->parts) names.push_back(part->name);
  return names;
}

LogLevel Logger::level(std::string_view part) const {
  return sink_ ? find(*sink_, part)->level.load(std::memory_order_relaxed) : LogLevel::off;
}

void Logger::set_level(std::string_view part, LogLevel level) const {
  if (sink_) find(*sink_, part)->level.store(level, std::memory_order_relaxed);
}

const std::string& Logger::file() const {
  static const std::string kNone;
  return sink_ ? sink_->file : kNone;
}

Status Logger::reopen() const {
  if (!sink_ || !sink_->reopened) return {};
  try {
    sink_->reopened->reopen();
  } catch (const spdlog::spdlog_ex& problem) {
    return fail(not_opened(sink_->file, problem));
  }
  return {};
}

void Logger::write(LogLevel level, std::string_view event, Fields fields) const {
  sink_->logger.log(spdlog_level(level), sink_->format == LogFormat::json
                                             ? json_fields(part_->name, event, fields)
                                             : text_line(part_->name, event, fields));
}

}  // namespace kiln
