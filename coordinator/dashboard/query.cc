#include "coordinator/dashboard/query.h"

#include <charconv>
#include <string_view>

namespace kiln::coordinator {
namespace {

// %41 is A and + is a space; what is no such code stays as it is.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    const char* digits = text.data() + i + 1;
    const bool is_code = text[i] == '%' && i + 2 < text.size() &&
                         std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2;
    if (is_code) i += 2;
    out.push_back(is_code ? static_cast<char>(code) : text[i] == '+' ? ' ' : text[i]);
  }
  return out;
}

}  // namespace

Query::Query(const std::string& text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('&'), rest.size());
    const auto pair = rest.substr(0, end);
    const auto equals = std::min(pair.find('='), pair.size());
    const auto value = pair.substr(std::min(equals + 1, pair.size()));
    values_[decoded(pair.substr(0, equals))] = decoded(value);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

std::string Query::text(const std::string& key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? std::string() : found->second;
}

std::optional<std::uint64_t> Query::number(const std::string& key) const {
  const auto value = text(key);
  std::uint64_t number = 0;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
  if (value.empty() || read.ec != std::errc() || read.ptr != value.data() + value.size()) {
    return std::nullopt;
  }
  return number;
}

}  // namespace kiln::coordinator
