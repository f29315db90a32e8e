#include <algorithm>
#include <cctype>
#include <utility>

#include "client/lister/source_scan.h"

namespace kiln::client {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// A walk over the text that knows in what kind of token it is. Unterminated literals end with their
// line, as in text that an #if leaves out.
class Blanker {
 public:
  explicit Blanker(std::string_view text) : text_(text) {}

  std::string run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (text_.compare(at_, 2, "//") == 0) {
        blank_line_comment();
      } else if (text_.compare(at_, 2, "/*") == 0) {
        blank_block_comment();
      } else if (c == '"' && is_raw()) {
        skip_raw_string();
      } else if (c == '"' || (c == '\'' && !is_digit_separator())) {
        skip_literal(c);
      } else {
        ++at_;
      }
    }
    return std::move(text_);
  }

 private:
  void blank(std::size_t end) {
    for (; at_ < end; ++at_) {
      if (text_[at_] != '\n') text_[at_] = ' ';
    }
  }

  void blank_line_comment() {
    std::size_t end = text_.find('\n', at_);
    while (end != std::string::npos && text_[end - 1] == '\\') end = text_.find('\n', end + 1);
    blank(std::min(end, text_.size()));
  }

  void blank_block_comment() {
    const std::size_t close = text_.find("*/", at_ + 2);
    blank(close == std::string::npos ? text_.size() : close + 2);
  }

  bool is_raw() const {
    if (at_ == 0 || text_[at_ - 1] != 'R') return false;
    std::size_t begin = at_ - 1;
    while (begin > 0 && is_word(text_[begin - 1])) --begin;
    const std::string_view prefix(text_.data() + begin, at_ - begin);
    return prefix == "R" || prefix == "LR" || prefix == "uR" || prefix == "UR" || prefix == "u8R";
  }

  void skip_raw_string() {
    const std::size_t open = text_.find('(', at_);
    if (open == std::string::npos || open - at_ > 17) return skip_literal('"');
    const std::string close = ")" + text_.substr(at_ + 1, open - at_ - 1) + "\"";
    const std::size_t end = text_.find(close, open);
    at_ = end == std::string::npos ? text_.size() : end + close.size();
  }

  bool is_digit_separator() const {
    return at_ > 0 && at_ + 1 < text_.size() &&
           std::isxdigit(static_cast<unsigned char>(text_[at_ - 1])) != 0 &&
           is_word(text_[at_ + 1]) && begins_with_digit();
  }

  bool begins_with_digit() const {
    std::size_t begin = at_;
    while (begin > 0 && (is_word(text_[begin - 1]) || text_[begin - 1] == '\'')) --begin;
    return std::isdigit(static_cast<unsigned char>(text_[begin])) != 0;
  }

  void skip_literal(char quote) {
    for (++at_; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == quote) {
        ++at_;
        return;
      }
    }
  }

  std::string text_;
  std::size_t at_ = 0;
};

}  // namespace

std::string blank_comments(std::string_view text) {
  return Blanker(text).run();
}

}  // namespace kiln::client
