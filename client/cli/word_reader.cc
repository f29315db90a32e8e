#include "client/cli/word_reader.h"

#include <algorithm>

#include "client/launcher/invocation.h"

namespace kiln::client {

std::string WordReader::option() const {
  const std::string& word = words_[at_];
  // A negative number is a value, if a wrong one.
  const bool is_number = word.size() > 1 && word[1] >= '0' && word[1] <= '9';
  if (word.size() < 2 || word.front() != '-' || is_number) return "";
  return word.substr(0, word.find('='));
}

Result<std::string> WordReader::value() {
  const std::string& word = words_[at_++];
  if (const auto equals = word.find('='); equals != std::string::npos)
    return word.substr(equals + 1);
  if (!done()) return take();
  return fail(wrong(word + " needs a value after it"));
}

Error WordReader::wrong(const std::string& what) const {
  return Error{Errc::invalid_argument, command_ + ": " + what};
}

Error WordReader::unknown(const std::vector<std::string>& known) const {
  std::string text = "unknown option '" + option() + "'";
  if (const auto near = nearest_word(option(), known); !near.empty())
    text += "; did you mean '" + near + "'?";
  return wrong(text + " (" + command_ + " --help lists them)");
}

bool asks_for_help(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(),
                     [](const std::string& word) { return word == "--help" || word == "-h"; });
}

}  // namespace kiln::client
