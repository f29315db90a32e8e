#include "client/paths/user.h"

#include <algorithm>

namespace kiln::client {
namespace {

// Takes what is before the next `end` off `text`.
std::string_view take(std::string_view& text, char end) {
  const auto word = text.substr(0, text.find(end));
  text.remove_prefix(std::min(word.size() + 1, text.size()));
  return word;
}

}  // namespace

std::string user_name(const Environment& environment, std::uint32_t uid, std::string_view passwd) {
  for (const char* variable : {"USER", "LOGNAME"}) {
    if (const auto name = value_of(environment, variable); !name.empty()) return std::string(name);
  }
  std::string number = std::to_string(uid);
  while (!passwd.empty()) {
    auto line = take(passwd, '\n');
    const auto name = take(line, ':');
    take(line, ':');  // the password
    if (!name.empty() && take(line, ':') == number) return std::string(name);
  }
  return number;
}

}  // namespace kiln::client
