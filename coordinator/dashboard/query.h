// What a page was asked for: "node=w1&limit=20".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace kiln::coordinator {

class Query {
 public:
  // Of an URL, without its '?'. Of a key that comes twice the last counts.
  explicit Query(const std::string& text);

  // Empty: it was not given.
  std::string text(const std::string& key) const;
  // nullopt: it was not given, or is no number.
  std::optional<std::uint64_t> number(const std::string& key) const;

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace kiln::coordinator
