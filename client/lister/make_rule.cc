#include "client/lister/make_rule.h"

#include <cstddef>

// How both compilers write a name for make: a space or tab gets a backslash, and backslashes just
// before it are doubled; "#" gets a backslash; "$" is doubled. Other backslashes stand for
// themselves.

namespace kiln::client {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<std::vector<std::string>> read() {
    std::string head(kRuleTarget);
    head += ':';
    if (!text_.starts_with(head)) return malformed();
    at_ = head.size();
    std::vector<std::string> names;
    while (true) {
      skip_separators();
      if (at_ >= text_.size()) return names;
      if (text_[at_] == '\n') break;
      names.push_back(take_name());
    }
    if (text_.find_first_not_of('\n', at_) != std::string_view::npos) return malformed();
    return names;
  }

 private:
  static tl::unexpected<Error> malformed() {
    return fail(Errc::corrupt, "read the compiler's -M output: it is not one rule of plain names");
  }

  bool continues_line() const { return text_.substr(at_, 2) == "\\\n"; }

  void skip_separators() {
    while (at_ < text_.size() && (is_blank(text_[at_]) || continues_line())) {
      at_ += is_blank(text_[at_]) ? 1 : 2;
    }
  }

  std::string take_name() {
    std::string name;
    while (at_ < text_.size() && text_[at_] != '\n' && !is_blank(text_[at_]) && !continues_line()) {
      if (text_[at_] == '\\') {
        take_backslashes(name);
      } else {
        if (text_.substr(at_, 2) == "$$") ++at_;
        name += text_[at_++];
      }
    }
    return name;
  }

  void take_backslashes(std::string& name) {
    std::size_t count = 0;
    while (at_ < text_.size() && text_[at_] == '\\' && !continues_line()) {
      ++count;
      ++at_;
    }
    const char next = at_ < text_.size() ? text_[at_] : '\n';
    const bool quotes = is_blank(next) && count % 2 == 1;
    if (quotes) count = (count - 1) / 2;
    if (next == '#') --count;
    name.append(count, '\\');
    if (quotes || next == '#') {
      name += next;
      ++at_;
    }
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::vector<std::string>> parse_dependencies(std::string_view text) {
  return Reader(text).read();
}

}  // namespace kiln::client
