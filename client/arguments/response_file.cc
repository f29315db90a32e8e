#include "client/arguments/response_file.h"

#include <utility>

namespace kiln::client {
namespace {

// Far above what anybody nests on purpose; a file that names itself ends here.
constexpr int kMaxDepth = 32;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

// The argument that begins at `at`; moves `at` behind it.
std::string take_word(std::string_view text, std::size_t& at) {
  std::string word;
  char quote = '\0';
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\\') {
      if (++at < text.size()) word += text[at];
    } else if (quote != '\0') {
      if (c == quote) {
        quote = '\0';
      } else {
        word += c;
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (is_space(c)) {
      break;
    } else {
      word += c;
    }
  }
  return word;
}

Status expand(const std::vector<std::string>& argv, std::size_t from, const std::string& cwd,
              const FileSystem& files, int depth, Expansion& into) {
  if (depth > kMaxDepth) return fail(Errc::invalid_argument, "expand @files: they nest too deep");
  for (std::size_t i = from; i < argv.size(); ++i) {
    const std::string& argument = argv[i];
    if (argument.size() < 2 || argument.front() != '@') {
      into.argv.push_back(argument);
      continue;
    }
    std::string name = argument.substr(1);
    KILN_TRY_ASSIGN(const std::string text, files.read(absolute_path(cwd, name)));
    into.files.push_back(std::move(name));
    KILN_TRY(expand(split_response_text(text), 0, cwd, files, depth + 1, into));
  }
  return {};
}

}  // namespace

std::vector<std::string> split_response_text(std::string_view text) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while (true) {
    while (at < text.size() && is_space(text[at])) ++at;
    if (at >= text.size()) return words;
    words.push_back(take_word(text, at));
  }
}

Result<Expansion> expand_response_files(const std::vector<std::string>& argv,
                                        const std::string& cwd, const FileSystem& files) {
  Expansion expansion;
  if (argv.empty()) return expansion;
  expansion.argv.push_back(argv.front());
  KILN_TRY(expand(argv, 1, cwd, files, 0, expansion));
  return expansion;
}

}  // namespace kiln::client
