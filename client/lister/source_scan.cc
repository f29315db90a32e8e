#include "client/lister/source_scan.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>

// Nearly every file holds none of the words that matter, so the words are looked for first, in the
// text as it is; only a file with a hit has its comments blanked and is looked at closely.

namespace kiln::client {
namespace {

constexpr std::string_view kHasInclude = "__has_include";
// With an escape each: a file that holds these words is not sent away, and this one is to be.
constexpr std::array<std::string_view, 2> kTimes = {"\137_DATE__", "\137_TIME__"};
constexpr std::string_view kTimestamp = "\137_TIMESTAMP__";
constexpr std::array<std::string_view, 4> kEmbeds = {"\043embed", "\043 embed", "\137_has_embed",
                                                     "\056incbin"};
constexpr std::array<std::string_view, 2> kLines = {"#line", "# line"};

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool contains(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

template <std::size_t count>
bool contains_any(std::string_view text, const std::array<std::string_view, count>& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return contains(text, word); });
}

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() && (is_blank(text[at]) || text.substr(at, 2) == "\\\n")) {
    at += is_blank(text[at]) ? 1 : 2;
  }
  return at;
}

std::string_view word_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_word(text[end])) ++end;
  return text.substr(at, end - at);
}

// The logical line around `at`, from its beginning up to `at`.
std::string_view line_before(std::string_view text, std::size_t at) {
  std::size_t begin = at;
  while (begin > 0 && (text[begin - 1] != '\n' || (begin > 1 && text[begin - 2] == '\\'))) --begin;
  return text.substr(begin, at - begin);
}

// "#define NAME(parameter) …" at the beginning of a line: NAME and the parameter.
struct Definition {
  std::string_view name;
  std::string_view parameter;
};

Definition definition_on(std::string_view line) {
  std::size_t at = skip_blanks(line, 0);
  if (line.substr(at, 1) != "#") return {};
  at = skip_blanks(line, at + 1);
  if (word_at(line, at) != "define") return {};
  at = skip_blanks(line, at + 6);
  Definition definition{word_at(line, at), {}};
  at += definition.name.size();
  if (line.substr(at, 1) == "(") definition.parameter = word_at(line, skip_blanks(line, at + 1));
  return definition;
}

// A line like `# 12 "file"`, as preprocessors write them.
bool has_line_marker(std::string_view text) {
  constexpr std::string_view kBegin = "\n# ";
  for (std::size_t at = text.find(kBegin); at != std::string_view::npos;
       at = text.find(kBegin, at + 1)) {
    const std::size_t digit = at + kBegin.size();
    if (digit < text.size() && std::isdigit(static_cast<unsigned char>(text[digit])) != 0) {
      return true;
    }
  }
  return false;
}

class Scanner {
 public:
  Scanner(std::string_view text, SourceScan& scan) : text_(text), scan_(scan) {}

  // Every use of the operator `name`.
  void find_uses(std::string_view name) {
    for (std::size_t at = text_.find(name); at != std::string_view::npos;
         at = text_.find(name, at + name.size())) {
      if (at > 0 && is_word(text_[at - 1])) continue;
      const std::string_view word = word_at(text_, at);
      const bool next = name == kHasInclude && word == "__has_include_next";
      if (word == name || next) take_use(at, at + word.size(), next);
    }
  }

  void find_included() {
    for (std::size_t at = text_.find('#'); at != std::string_view::npos;
         at = text_.find('#', at + 1)) {
      const std::size_t begin = skip_blanks(text_, at + 1);
      const std::string_view word = word_at(text_, begin);
      const bool next = word == "include_next";
      if (word == "pragma")
        scan_.once = scan_.once || word_at(text_, skip_blanks(text_, begin + 6)) == "once";
      if (word == "import") scan_.once = true;
      if (word != "include" && word != "import" && !next) continue;
      const std::size_t name = skip_blanks(text_, begin + word.size());
      const char first = name < text_.size() ? text_[name] : '\0';
      if (first != '<' && first != '"') continue;
      const char last = first == '<' ? '>' : '"';
      const std::size_t close = text_.find_first_of(std::string{last, '\n'}, name + 1);
      if (close == std::string_view::npos || text_[close] != last) continue;
      scan_.included.push_back(
          {std::string(text_.substr(name + 1, close - name - 1)), first == '<', next});
    }
  }

  void find_line_files() {
    for (std::size_t at = text_.find('#'); at != std::string_view::npos;
         at = text_.find('#', at + 1)) {
      std::size_t number = skip_blanks(text_, at + 1);
      if (text_.substr(number, 4) == "line") number = skip_blanks(text_, number + 4);
      std::size_t end = number;
      while (end < text_.size() && std::isdigit(static_cast<unsigned char>(text_[end])) != 0) ++end;
      const std::size_t quote = skip_blanks(text_, end);
      if (end == number || text_.substr(quote, 1) != "\"") continue;
      const std::size_t close = text_.find_first_of("\"\n", quote + 1);
      if (close == std::string_view::npos || text_[close] != '"') continue;
      scan_.line_files.emplace_back(text_.substr(quote + 1, close - quote - 1));
    }
  }

 private:
  void take_use(std::size_t begin, std::size_t end, bool next) {
    const std::size_t open = skip_blanks(text_, end);
    // Without a parenthesis it is only asked whether the operator exists.
    if (text_.substr(open, 1) != "(") return;
    const std::size_t name = skip_blanks(text_, open + 1);
    const char first = name < text_.size() ? text_[name] : '\0';
    if (first != '<' && first != '"') return take_computed(begin, name);
    const char last = first == '<' ? '>' : '"';
    const std::size_t close = text_.find(last, name + 1);
    if (close == std::string_view::npos) return;
    HeaderName header{std::string(text_.substr(name + 1, close - name - 1)), first == '<', next};
    if (std::find(scan_.asked.begin(), scan_.asked.end(), header) == scan_.asked.end()) {
      scan_.asked.push_back(std::move(header));
    }
  }

  // "#define __has_include(x) 0" defines the operator; "#define HAVE(x) __has_include(x)" another
  // name for it. Anything else is computed.
  void take_computed(std::size_t begin, std::size_t argument) {
    const std::string_view line = line_before(text_, begin);
    const Definition definition = definition_on(line);
    if (definition.name.empty() && ends_with_define(line)) return;
    const std::string_view word = word_at(text_, argument);
    if (!word.empty() && word == definition.parameter) {
      scan_.aliases.emplace_back(definition.name);
    } else {
      scan_.computed_has_include = true;
    }
  }

  static bool ends_with_define(std::string_view line) {
    while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
    return line.ends_with("define");
  }

  const std::string_view text_;
  SourceScan& scan_;
};

}  // namespace

SourceScan scan_source(std::string_view text, const std::vector<std::string>& operators) {
  SourceScan scan;
  Scanner(text, scan).find_included();
  const bool asks = contains(text, kHasInclude);
  const bool asks_otherwise = std::any_of(operators.begin(), operators.end(),
                                          [&](const auto& name) { return contains(text, name); });
  const bool hazards =
      contains_any(text, kEmbeds) || contains_any(text, kTimes) || contains(text, kTimestamp);
  const bool lines = contains_any(text, kLines) || has_line_marker(text);
  if (!asks && !asks_otherwise && !hazards && !lines) return scan;

  const std::string code = blank_comments(text);
  Scanner scanner(code, scan);
  if (asks) scanner.find_uses(kHasInclude);
  if (asks_otherwise) {
    for (const std::string& name : operators) scanner.find_uses(name);
  }
  if (lines) scanner.find_line_files();
  scan.embeds = contains_any(code, kEmbeds);
  scan.tells_time = contains_any(code, kTimes);
  scan.tells_timestamp = contains(code, kTimestamp);
  return scan;
}

}  // namespace kiln::client
